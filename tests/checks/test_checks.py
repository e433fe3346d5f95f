"""Each check reports its error, is silent without it, and is documented."""

import os
import re
import subprocess
import sys
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core import checks, mail
from django.db import connection, connections
from django.db.backends.signals import connection_created

from django_ihuyi.backends import BaseBackend
from django_ihuyi.checks import FINDINGS, TAG
from django_ihuyi.checks.databases import (
    complain_of_server,
    find_endless_waits,
    find_narrow_charsets,
)
from django_ihuyi.checks.findings import finding
from django_ihuyi.checks.retention import find_no_purge
from django_ihuyi.conf import DEFAULT_TEXT
from django_ihuyi.database.postgresql import end_waits
from django_ihuyi.delivery.routing import load_dispatcher
from django_ihuyi.guards.budgets import BudgetGuard
from django_ihuyi.guards.captcha import CaptchaGuard
from django_ihuyi.phones import fixed_codes
from django_ihuyi.retention import purge
from tests.support.dispatchers import KEEPING
from tests.support.time_travel import let_pass
from tests.support.use_cases import PHONE, guess_right, send

# To judge models and settings, Django asks MariaDB for its version.
pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parent.parent.parent

IHUYI = "django_ihuyi.backends.ihuyi.IhuyiBackend"
SIMULATOR = "django_ihuyi.backends.simulator.SimulatorBackend"
PLAIN_HTTP = "http://106.ihuyi.com/webservice/sms.php"
BUDGETS = "django_ihuyi.guards.budgets.BudgetGuard"
CONSOLE = "django_ihuyi.backends.console.ConsoleBackend"
SECRET = "kJ3x_Rk0fWqgQ5mYb1TzV-8uLh2NcE7oD9sPa4iXw6M"
ACCOUNT = {"account": "C12345678", "api_key": "9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d"}


GEETEST = {"captcha_id": "i" * 32, "captcha_key": "9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d"}
REPORTER = "django_ihuyi.masking.MaskingReporter"
MAIL = {"class": "django.utils.log.AdminEmailHandler"}


def logs(**handler):
    return {"LOGGING": {"version": 1, "disable_existing_loggers": False, "handlers": {"mail": {**MAIL, **handler}}}}


class OwnBackend(BaseBackend):
    """A backend of the host's own."""

    def submit(self, phone, text):
        raise NotImplementedError


class OwnBudgets(BudgetGuard):
    """Budgets with something of the host's own."""


def channel(backend=IHUYI, **options):
    options = options if backend != IHUYI else {**ACCOUNT, **options}
    return {"CHANNELS": {"sms": {"BACKEND": backend, "OPTIONS": {k: v for k, v in options.items() if v is not None}}}}


def template(text="代码 {code}", **more):
    return {"TEMPLATES": {"code": {"TEXT": text, "FILED": "2026-01-01", **more}}}


def notice(text, **more):
    return {"TEMPLATES": {"code": {"TEXT": DEFAULT_TEXT}, "notice": {"TEXT": text, "FILED": "2026-01-01", **more}}}


CAPTCHA_GUARD = "django_ihuyi.guards.captcha.CaptchaGuard"
CAPTCHA = {"GUARDS": [CAPTCHA_GUARD], "CAPTCHA": {"BACKEND": "image"}}


def captcha(backend="image", **rest):
    return {"CAPTCHA": {"BACKEND": backend, **rest}}


class OwnCaptchaGuard(CaptchaGuard):
    """A captcha guard of the host's own."""


# A site without findings: every case below differs from it in one thing.
SOUND = {
    "DEBUG": False,
    "USE_TZ": True,
    "SECRET_KEY": "k" * 50,
    "CACHES": {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://cache"}},
    "IHUYI": {**channel(), **CAPTCHA, "GUARDS": [BUDGETS, *CAPTCHA["GUARDS"]]},
}


def ihuyi(**chosen):
    return {"IHUYI": {**SOUND["IHUYI"], **chosen}}


#: Today, for all cases below, even if a test run continues past midnight.
TODAY = fixed_codes.today()


def in_days(days):
    return str(TODAY + timedelta(days=days))


TEST_NUMBER = {"secret_code": "491827", "until": in_days(90), "name": "App Store review"}
TASKS_PACKAGE = "django.tasks" if find_spec("django.tasks") else "django_tasks"
DUMMY_TASKS = f"{TASKS_PACKAGE}.backends.dummy.DummyBackend"
DATABASE_TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
ABROAD = {"CHANNELS": {name: channel()["CHANNELS"]["sms"] for name in ("sms", "international")}}
LOCMEM_CACHE = {"CACHES": {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}}
TRUSTED_HEADER = {"TRUSTED_CLIENT_IP_HEADER": "X-Real-IP", "TRUSTED_PROXIES": ["10.0.0.1"]}
PROXY = {"SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https")}

# id: settings that are reported, similar settings that are not.
CASES = {
    "E001": ([{"IHUYI": None}, {"IHUYI": []}], [{"IHUYI": channel()}]),
    "E002": ([ihuyi(CODE_LENGHT=6), ihuyi(code_length=6)], [ihuyi(CODE_LENGTH=6)]),
    "E003": (
        [
            ihuyi(CODE_LENGTH="6"),
            ihuyi(CODE_LENGTH=True),
            ihuyi(CODE_LIFETIME=300.0),
            ihuyi(MAX_ATTEMPTS=None),
            ihuyi(RESEND_INTERVAL="60"),
            ihuyi(NUMBER_LIMITS=5),
            ihuyi(NUMBER_LIMITS={"messages": "5", "codes": 5}),
            ihuyi(EXCEED_PLATFORM_LIMITS=1),
            ihuyi(CLIENT_LIMITS={"send": "5/m"}),
            ihuyi(CLIENT_LIMITS=None),
            ihuyi(GLOBAL_LIMITS=["300/m"]),
            ihuyi(TRUSTED_PROXY_COUNT="1"),
            ihuyi(TRUSTED_CLIENT_IP_HEADER=["X-Real-IP"]),
            ihuyi(TRUSTED_PROXIES="10.0.0.1"),
            ihuyi(PLATFORM_CONCURRENCY=None),
            ihuyi(CROSS_SITE_ORIGINS="https://app.example.com"),
            ihuyi(PLATFORM_HOSTS="sms.example.com"),
            ihuyi(ALLOW_LOOPBACK="no"),
            ihuyi(SIMULATOR_IN_PRODUCTION=0),
            ihuyi(INTERNATIONAL_REGIONS="GB"),
            ihuyi(WEBHOOK_SECRETS=SECRET),
            ihuyi(WEBHOOK_ADDRESSES="203.0.113.7"),
            ihuyi(WEBHOOK_ENCODING=None),
            ihuyi(PURPOSES=["login"]),
            ihuyi(PURPOSES={"login": "code"}),
            ihuyi(TEMPLATES={"code": "代码 {code}"}),
            ihuyi(TEMPLATES={"code": {"TEXT": "代码 {code}", "ID": 1361}}),
            ihuyi(CHANNELS={"sms": IHUYI}),
            ihuyi(CHANNELS=[IHUYI]),
        ],
        [ihuyi(CROSS_SITE_ORIGINS=("https://app.example.com",), CLIENT_LIMITS={"send": ("5/m",)}, GLOBAL_LIMITS={})],
    ),
    "E004": ([ihuyi(CODE_LENGTH=5), ihuyi(CODE_LENGTH=9)], [ihuyi(CODE_LENGTH=6), ihuyi(CODE_LENGTH=8)]),
    "E005": (
        [ihuyi(CODE_LIFETIME=119), ihuyi(CODE_LIFETIME=601)],
        [ihuyi(CODE_LIFETIME=120), ihuyi(CODE_LIFETIME=600)],
    ),
    "E006": ([ihuyi(MAX_ATTEMPTS=0), ihuyi(MAX_ATTEMPTS=11)], [ihuyi(MAX_ATTEMPTS=1), ihuyi(MAX_ATTEMPTS=10)]),
    "E007": ([ihuyi(RESEND_INTERVAL=0), ihuyi(RESEND_INTERVAL=3601)], [ihuyi(RESEND_INTERVAL=1)]),
    "E008": (
        [
            ihuyi(NUMBER_LIMITS={"messages": 5, "codes": 5, "notices": 5}),
            ihuyi(NUMBER_LIMITS={"messages": 5, "codes": 0}),
        ],
        [ihuyi(NUMBER_LIMITS={"messages": 1, "codes": 1}), ihuyi(NUMBER_LIMITS={"messages": 5})],
    ),
    "E009": (
        [ihuyi(NUMBER_LIMITS={"messages": 6, "codes": 5})],
        [
            ihuyi(NUMBER_LIMITS={"messages": 5, "codes": 5}),
            ihuyi(NUMBER_LIMITS={"messages": 6, "codes": 6}, EXCEED_PLATFORM_LIMITS=True),
        ],
    ),
    "W001": (
        [ihuyi(NUMBER_LIMITS={"messages": 6, "codes": 5}, EXCEED_PLATFORM_LIMITS=True)],
        [ihuyi(EXCEED_PLATFORM_LIMITS=True)],
    ),
    "E010": (
        [
            ihuyi(CLIENT_LIMITS={"sent": ["5/m"]}),
            ihuyi(GLOBAL_LIMITS={"all": ["5/m"]}),
            ihuyi(GLOBAL_LIMITS={"verify": ["5/m"]}),
        ],
        [ihuyi(CLIENT_LIMITS={})],
    ),
    "E011": (
        [ihuyi(CLIENT_LIMITS={"send": [rate]}) for rate in ("5", "5/w", "0/m", "5 / m", "5/60", "/m")],
        [ihuyi(GLOBAL_LIMITS={"send": ["5/s", "5/m", "5/h", "5/d"]})],
    ),
    "E078": (
        [ihuyi(TRUSTED_CLIENT_IP_HEADER="X-Real-IP"), ihuyi(TRUSTED_CLIENT_IP_HEADER="X-Real-IP", TRUSTED_PROXIES=[])],
        [ihuyi(**TRUSTED_HEADER), ihuyi(**{**TRUSTED_HEADER, "TRUSTED_PROXIES": ["unix"]})],
    ),
    "E079": (
        [ihuyi(**TRUSTED_HEADER, TRUSTED_PROXY_COUNT=1)],
        [ihuyi(**TRUSTED_HEADER, TRUSTED_PROXY_COUNT=0), ihuyi(TRUSTED_PROXIES=["10.0.0.1"], TRUSTED_PROXY_COUNT=1)],
    ),
    "E080": (
        [
            ihuyi(TRUSTED_PROXIES=[entry])
            for entry in ("", "proxy.example", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.1-9", "Unix", "0.0.0.0/0", "::/0")
        ],
        [ihuyi(TRUSTED_PROXIES=("10.0.0.1", "10.0.0.0/8", "2001:db8::7", "2001:db8::/32", "::ffff:10.0.0.1", "unix"))],
    ),
    "E081": (
        [
            ihuyi(**{**TRUSTED_HEADER, "TRUSTED_CLIENT_IP_HEADER": name})
            for name in (
                " ",
                "X_Real_IP",
                "HTTP_X_REAL_IP",
                "X-Real-IP:",
                "X-Real-IP, X-Client-IP",
                "X-Real-IP\n",
                "-",
                "真",
            )
        ],
        [
            ihuyi(**{**TRUSTED_HEADER, "TRUSTED_CLIENT_IP_HEADER": name})
            for name in ("", "X-Real-IP", "CF-Connecting-IP", "Ali-CDN-Real-IP", "x-real-ip", "ClientIP")
        ],
    ),
    "E012": ([ihuyi(TRUSTED_PROXY_COUNT=-1)], [ihuyi(TRUSTED_PROXY_COUNT=2)]),
    "E013": ([ihuyi(CHANNELS={}), ihuyi(CHANNELS={"voice": channel()["CHANNELS"]["sms"]})], [ihuyi(**channel())]),
    "E014": (
        [
            ihuyi(CHANNELS={"sms": {}}),
            ihuyi(CHANNELS={"sms": {"BACKEND": IHUYI, "OPTION": ACCOUNT}}),
            ihuyi(CHANNELS={"sms": {"BACKEND": IHUYI, "OPTIONS": None}}),
            ihuyi(CHANNELS={**channel()["CHANNELS"], "a channel": channel()["CHANNELS"]["sms"]}),
            ihuyi(CHANNELS={**channel()["CHANNELS"], "c" * 17: channel()["CHANNELS"]["sms"]}),
        ],
        [ihuyi(CHANNELS={**channel()["CHANNELS"], "c" * 16: channel()["CHANNELS"]["sms"]})],
    ),
    "E015": (
        [
            ihuyi(**channel("no.such.Backend")),
            ihuyi(**channel("django_ihuyi.backends.ihuyi.NoBackend")),
            ihuyi(**channel("pathlib.Path")),
            ihuyi(**channel("os.path.join")),
            ihuyi(**channel("nonsense")),
        ],
        [ihuyi(**channel("tests.checks.test_checks.OwnBackend"))],
    ),
    "E016": ([ihuyi(**channel(account=None)), ihuyi(**channel(api_key=""))], [ihuyi(**channel())]),
    "E017": (
        [
            ihuyi(**channel(account="C00000001")),
            ihuyi(**channel(api_key="0123456789abcdef0123456789abcdef")),
            ihuyi(**channel(account="your-account")),
            ihuyi(**channel(account="APIID")),
            ihuyi(**channel(api_key="xxxxxxxx")),
            ihuyi(**channel(account="VC00000001")),
        ],
        # The simulator has just this account.
        [
            ihuyi(**channel(account="C00000001", url="http://127.0.0.1:8025/webservice/sms.php"), ALLOW_LOOPBACK=True),
        ],
    ),
    "E018": (
        [
            ihuyi(**channel(url=url))
            for url in (
                "http://106.ihuyi.com/webservice/sms.php",
                "https://sms.example.com/webservice/sms.php",
                "https://106.ihuyi.com.example.com/webservice/sms.php",
                "https://user:pass@106.ihuyi.com/webservice/sms.php",
                "https://106.ihuyi.com/webservice/sms.php#fragment",
                "https://106.ihuyi.com:8443/webservice/sms.php",
                "https://119.29.29.29/webservice/sms.php",
                "https://2130706433/webservice/sms.php",
                "http://127.0.0.1:8025/webservice/sms.php",
                "file:///etc/passwd",
                "106.ihuyi.com",
                "https://106.ihuyi.com/",
            )
        ],
        [
            ihuyi(**channel(url="https://api.ihuyi.com/sms/Submit.json")),
            ihuyi(**channel(url="https://sms.example.com/webservice/sms.php"), PLATFORM_HOSTS=["sms.example.com"]),
            ihuyi(**channel(url=PLAIN_HTTP, allow_http=True)),
            ihuyi(**channel(url="http://127.0.0.1:8025/webservice/sms.php"), ALLOW_LOOPBACK=True),
        ],
    ),
    "E019": (
        [ihuyi(**channel(verify=verify)) for verify in (False, "", 0, "/no/such/file", 1)],
        [ihuyi(**channel(verify=True)), ihuyi(**channel(verify=__file__))],
    ),
    "E020": (
        [ihuyi(**channel(total_timeout=9)), ihuyi(**channel(connect_timeout=0)), ihuyi(**channel(total_timeout="8"))],
        [ihuyi(**channel(total_timeout=8.0, connect_timeout=1))],
    ),
    "E021": (
        [
            ihuyi(**channel(format="yaml")),
            ihuyi(**channel(accountt="x")),
            ihuyi(**channel("tests.checks.test_checks.OwnBackend", a=1)),
        ],
        [ihuyi(**channel(format="xml"))],
    ),
    "E022": (
        [ihuyi(**channel(SIMULATOR)), ihuyi(**channel(CONSOLE))],
        [{**ihuyi(**channel(CONSOLE)), "DEBUG": True}, ihuyi(**channel(SIMULATOR), SIMULATOR_IN_PRODUCTION=True)],
    ),
    "W002": ([ihuyi(SIMULATOR_IN_PRODUCTION=True)], [{**ihuyi(SIMULATOR_IN_PRODUCTION=True), "DEBUG": True}]),
    "W003": ([ihuyi(**channel(dynamic_password=False))], [ihuyi(**channel(dynamic_password=True))]),
    "W013": ([ihuyi(**channel(url=PLAIN_HTTP, allow_http=True))], [ihuyi(**channel(allow_http=False))]),
    "W004": ([ihuyi(ALLOW_LOOPBACK=True)], [ihuyi(ALLOW_LOOPBACK=False)]),
    "E023": (
        [ihuyi(PURPOSES={}), ihuyi(PURPOSES={"p" * 33: {}}), ihuyi(PURPOSES={"": {}}), ihuyi(PURPOSES={"登录": {}})],
        [ihuyi(PURPOSES={"p" * 32: {}})],
    ),
    "E024": (
        [ihuyi(PURPOSES={"login": {"TEMPLATE": "none"}}), ihuyi(PURPOSES={"login": {"TEXT": "代码 {code}"}})],
        [ihuyi(PURPOSES={"login": {"TEMPLATE": "code"}})],
    ),
    "E025": (
        [
            ihuyi(**template(ID="")),
            ihuyi(**template(NUMBER="1")),
            ihuyi(TEMPLATES={"code": {}}),
            ihuyi(TEMPLATES={**template()["TEMPLATES"], "t" * 33: {"TEXT": "您好", "ID": "7"}}),
        ],
        [ihuyi(TEMPLATES={**template(ID="1361")["TEMPLATES"], "notice": {"TEXT": "{1}您好，{2}"}})],
    ),
    "E034": (
        [
            ihuyi(**template("您的验证码是：。")),
            ihuyi(**template("{1} {code}")),
            ihuyi(**template("{1} {2}")),
        ],
        [
            ihuyi(**template("{1}")),
            ihuyi(**template("{code} {code}")),
            ihuyi(TEMPLATES={**template()["TEMPLATES"], "notice": {"TEXT": "您好"}}),
        ],
    ),
    "E035": (
        [ihuyi(INTERNATIONAL_REGIONS=[region], **ABROAD) for region in ("gb", "UK", "44", "GBR")],
        [ihuyi(INTERNATIONAL_REGIONS=["GB", "HK"], **ABROAD)],
    ),
    "E036": ([ihuyi(INTERNATIONAL_REGIONS=["GB"])], [ihuyi(INTERNATIONAL_REGIONS=["GB"], **ABROAD)]),
    "E026": (
        [ihuyi(**template("{code}" + "字" * 495)), ihuyi(**template("{code}" + "字" * 595), TEXT_LENGTH=600)],
        [ihuyi(**template("{code}" + "字" * 494)), ihuyi(**template("{code}" + "字" * 594), TEXT_LENGTH=600)],
    ),
    "W005": (
        [ihuyi(**template("{code}" + "字" * 295)), ihuyi(**template("{code}" + "字" * 195), TEXT_LENGTH=200)],
        [ihuyi(**template("{code}" + "字" * 294)), ihuyi(**template("{code}" + "字" * 494), TEXT_LENGTH=500)],
    ),
    "E037": (
        [
            ihuyi(**template("代码{code}，订单{order}")),
            ihuyi(**template("订单【变量】，代码{code}")),
            ihuyi(**template("代码{code}，订单｛1｝")),
            ihuyi(**notice("订单{2}已发货")),
            ihuyi(**notice("订单{1}由{2}发出", EXAMPLE="A17")),
        ],
        [ihuyi(**notice("订单{1}由{2}发出，单号{1}", EXAMPLE="A17|顺丰")), ihuyi(**notice("订单{2}由{1}发出"))],
    ),
    "E038": (
        [ihuyi(CODE_LENGTH=7, VARIABLE_LENGTH=6), ihuyi(**notice("订单{1}已发货", EXAMPLE="A20261124"))],
        [ihuyi(CODE_LENGTH=6, VARIABLE_LENGTH=6), ihuyi(**notice("订单{1}已发货", EXAMPLE="20261124"))],
    ),
    "E039": (
        [ihuyi(**template(f"代码{{code}}{emoji}")) for emoji in ("😀", "⭐", "☎\ufe0f", "1\ufe0f\u20e3", "🇨🇳")],
        [ihuyi(**template("代码{code}，☎ → ★ ① ℃ ￥"))],
    ),
    "E040": (
        [
            ihuyi(**template("代码{code}\n@example.com #{code}【互亿】测试")),
            ihuyi(**template("代码{code}\n @example.com #{code}")),
            ihuyi(**template("代码{code}\n@example.com  #{code}")),
            ihuyi(**template("代码{code}\n@example.com #{code} ")),
            ihuyi(**template("代码{code}\n@example.com {code}")),
            ihuyi(**template("代码{code}\n@https://example.com #{code}")),
            ihuyi(**template("代码{code} @example.com #{code}")),
            ihuyi(**template("@example.com #{code}\n请勿泄露")),
        ],
        [
            ihuyi(**template("代码{code}\n@example.com #{code}")),
            ihuyi(**template("请勿泄露\n\n@login.example.com #{code} @pay.example.com")),
            ihuyi(**template("代码{code}，邮箱 help@example.com")),
        ],
    ),
    "W011": (
        [
            ihuyi(**template("您的验证码是:{code}。请不要把验证码泄露给其他人。")),
            ihuyi(**template("您的验证码是：{code}.请不要把验证码泄露给其他人。")),
            ihuyi(**template("您的验证码是：{code}.")),
            ihuyi(**template("代码{code}(五分钟内有效)")),
        ],
        [
            ihuyi(**template("Your code: {code}.")),
            ihuyi(**template("代码{code}，详见 https://example.com/a.html")),
            ihuyi(**template("代码{code}\n@example.com #{code}")),
            ihuyi(**template("您的验证码是:{code}.", ID="7")),
        ],
    ),
    "W012": (
        [ihuyi(TEMPLATES={"code": {"TEXT": "代码 {code}"}}), ihuyi(**template(FILED=""))],
        [ihuyi(**template(FILED="", ID="7")), ihuyi(TEMPLATES={"code": {"TEXT": DEFAULT_TEXT}})],
    ),
    "E041": ([ihuyi(PART_PRICE=price) for price in ("4 分", "-1", "nan", "1e999999999")], [ihuyi(PART_PRICE="0.045")]),
    "E042": (
        [ihuyi(VARIABLE_LENGTH=0), ihuyi(VARIABLE_LENGTH=1001), ihuyi(TEXT_LENGTH=1001)],
        [ihuyi(TEXT_LENGTH=500)],
    ),
    "E043": (
        [
            ihuyi(DISPATCHER="pigeon"),
            ihuyi(DISPATCHER="tests.support.dispatchers.NoDispatcher"),
            ihuyi(DISPATCHER="tests.no_module.Dispatcher"),
        ],
        [ihuyi(DISPATCHER="inline"), ihuyi(DISPATCHER="celery"), ihuyi(DISPATCHER=KEEPING)],
    ),
    "E044": ([ihuyi(DISPATCH_FALLBACK="shrug")], [ihuyi(DISPATCH_FALLBACK="refuse")]),
    "E060": (
        [
            ihuyi(TEST_NUMBERS={PHONE: {**TEST_NUMBER, **wrong}})
            for wrong in (
                {"secret_code": "49182"},
                {"secret_code": "٤٩١٨٢٧"},
                {"code": "491827"},
                {"until": "31.1.2027"},
                {"until": "2027-02-30"},
            )
        ]
        + [
            ihuyi(TEST_NUMBERS={PHONE: {}}),
            ihuyi(TEST_NUMBERS={"12345": TEST_NUMBER}),
            ihuyi(TEST_NUMBERS={PHONE: TEST_NUMBER, "138 0013 8000": TEST_NUMBER}),
        ],
        [ihuyi(TEST_NUMBERS={"138 0013 8000": TEST_NUMBER})],
    ),
    "E061": (
        [ihuyi(TEST_NUMBERS={PHONE: {**TEST_NUMBER, missing: ""}}) for missing in ("until", "name")],
        [
            ihuyi(TEST_NUMBERS={PHONE: TEST_NUMBER}),
            {**ihuyi(TEST_NUMBERS={PHONE: {"secret_code": "491827"}}), "DEBUG": True},
        ],
    ),
    "E062": (
        [
            ihuyi(PURPOSES={"login": {"POLICY": path}})
            for path in ("no.such.policy", "django_ihuyi.delivery.routing.POLICY_FAULT", "nonsense", "")
        ],
        [ihuyi(PURPOSES={"login": {"POLICY": "tests.support.policies.is_registered"}})],
    ),
    "W027": (
        [ihuyi(TEST_NUMBERS={PHONE: {**TEST_NUMBER, "until": in_days(days)}}) for days in (-1, 185)],
        [ihuyi(TEST_NUMBERS={PHONE: {**TEST_NUMBER, "until": in_days(days)}}) for days in (0, 184)],
    ),
    "W028": (
        [
            ihuyi(TEST_NUMBERS={PHONE: {**TEST_NUMBER, "secret_code": code}})
            for code in ("123456", "987654", "890123", "000000", "121212")
        ],
        [ihuyi(TEST_NUMBERS={PHONE: {**TEST_NUMBER, "secret_code": "112233"}})],
    ),
    "W020": (
        [ihuyi(DISPATCHER="tasks"), {**ihuyi(DISPATCHER="tasks"), "TASKS": {"default": {"BACKEND": DUMMY_TASKS}}}],
        [{**ihuyi(DISPATCHER="tasks"), "TASKS": DATABASE_TASKS}, ihuyi(DISPATCHER=KEEPING)],
    ),
    "E050": (
        [ihuyi(PLATFORM_CONCURRENCY=0), ihuyi(PLATFORM_CONCURRENCY=129)],
        [ihuyi(PLATFORM_CONCURRENCY=1), ihuyi(PLATFORM_CONCURRENCY=128)],
    ),
    "W024": ([ihuyi(PLATFORM_CONCURRENCY=33), ihuyi(PLATFORM_CONCURRENCY=128)], [ihuyi(PLATFORM_CONCURRENCY=32)]),
    "W006": (
        [ihuyi(**template("【互亿无线】代码 {code}")), ihuyi(**template("代码 {code}【互亿无线】"))],
        [ihuyi(**template("代码【{code}】。"))],
    ),
    "E065": (
        [
            ihuyi(CAPTCHA={"OPTIONS": {}}),
            ihuyi(CAPTCHA={"BACKEND": None}),
            ihuyi(**captcha(OPTION={})),
            ihuyi(**captcha(OPTIONS=None)),
            ihuyi(**captcha(RULES="always")),
        ],
        [ihuyi(**captcha(OPTIONS={}, RULES={}))],
    ),
    "E066": (
        [
            ihuyi(**captcha("picture")),
            ihuyi(**captcha("no.such.Captcha")),
            ihuyi(**captcha("pathlib.Path")),
            ihuyi(**captcha("os.path.join")),
            ihuyi(**captcha("tests.support.uninstalled_captcha.HomelessCaptcha")),
        ],
        [ihuyi(**captcha("proof_of_work")), ihuyi(**captcha("tests.support.riddle_captcha.RiddleCaptcha"))],
    ),
    "E067": (
        [
            ihuyi(**captcha(OPTIONS={"colour": "red"})),
            ihuyi(**captcha("geetest")),
            ihuyi(**captcha("geetest", OPTIONS={**GEETEST, "url": "http://gcaptcha4.geetest.com/validate"})),
            ihuyi(**captcha("geetest", OPTIONS={**GEETEST, "timeout": 10})),
            ihuyi(**captcha("geetest", OPTIONS={**GEETEST, "verify": False})),
            ihuyi(**captcha("geetest", OPTIONS={**GEETEST, "verify": "/no/such/file"})),
            ihuyi(**captcha("proof_of_work", OPTIONS={"cost": 0})),
        ],
        [ihuyi(**captcha("geetest", OPTIONS=GEETEST)), ihuyi(**captcha("proof_of_work", OPTIONS={"cost": 9}))],
    ),
    "E068": (
        [
            ihuyi(**captcha(RULES={"no_purpose": "always"})),
            *(
                ihuyi(**captcha(RULES={"login": rule}))
                for rule in ("sometimes", None, 3, {}, {"after_client": 0}, {"after_client": "3"}, {"after": 3}, [3])
            ),
        ],
        [
            ihuyi(
                **captcha(RULES={"login": "always", "register": {"after_client": 3, "after_number": 2}, "*": "asked"})
            ),
            ihuyi(**captcha(RULES={"*": "never"})),
        ],
    ),
    "E082": (
        [
            ihuyi(GUARDS=[CAPTCHA_GUARD, BUDGETS]),
            ihuyi(GUARDS=[BUDGETS, f"{__name__}.OwnCaptchaGuard", "shop.guards.NoSendsAtNight"]),
            ihuyi(GUARDS=[BUDGETS, CAPTCHA_GUARD, CAPTCHA_GUARD]),
            ihuyi(GUARDS=[BUDGETS, CAPTCHA_GUARD, f"{__name__}.OwnCaptchaGuard"]),
        ],
        [ihuyi(GUARDS=["shop.guards.NoSendsAtNight", BUDGETS, f"{__name__}.OwnCaptchaGuard"]), ihuyi(GUARDS=[BUDGETS])],
    ),
    "W040": (
        [{"ROOT_URLCONF": "captcha.urls"}],
        [{"ROOT_URLCONF": "captcha.urls", **ihuyi(**captcha("proof_of_work"))}, {"ROOT_URLCONF": "tests.urls"}],
    ),
    "E069": ([ihuyi(CAPTCHA={})], [ihuyi(GUARDS=[], CAPTCHA={})]),
    "W029": (
        [ihuyi(GUARDS=[BUDGETS], CAPTCHA={}), ihuyi(GUARDS=[BUDGETS, "no.such.Guard", "os.path.join"], CAPTCHA={})],
        [ihuyi(GUARDS=[BUDGETS, "tests.checks.test_checks.OwnCaptchaGuard"])],
    ),
    "W030": (
        [ihuyi(GUARDS=[BUDGETS]), ihuyi(GUARDS=[BUDGETS, "pathlib.Path"])],
        [ihuyi(GUARDS=[BUDGETS, "tests.checks.test_checks.OwnCaptchaGuard"]), ihuyi(GUARDS=[BUDGETS], CAPTCHA={})],
    ),
    "E027": (
        [{"SECRET_KEY": "k" * 31}, {"SECRET_KEY_FALLBACKS": ["k" * 31]}],
        [{"SECRET_KEY": "k" * 32}, {"SECRET_KEY": "钥" * 11}],
    ),
    "E077": (
        [
            {"SECRET_KEY": "django-insecure-example-for-development-only-0123456789abcdef"},
            {"SECRET_KEY": "django-insecure-" + "z" * 50},
            {"SECRET_KEY": "please-change-me-before-you-go-into-production"},
            {"SECRET_KEY": "YOUR_SECRET_KEY_of_at_least_fifty_characters_here"},
            {"SECRET_KEY_FALLBACKS": ["django-insecure-" + "z" * 50]},
        ],
        [{"DEBUG": True, "SECRET_KEY": "django-insecure-" + "z" * 50}],
    ),
    "E028": ([{"USE_TZ": False}], [{"USE_TZ": True}]),
    "E029": (
        [ihuyi(CROSS_SITE_ORIGINS=[origin]) for origin in ("*", "app.example.com", "https://app.example.com/", "null")],
        [ihuyi(CROSS_SITE_ORIGINS=["https://app.example.com", "http://localhost:5173", "capacitor://localhost"])],
    ),
    "E030": (
        [ihuyi(PLATFORM_HOSTS=[host]) for host in ("https://sms.example.com", "sms.example.com/", "*", "")],
        [ihuyi(PLATFORM_HOSTS=["sms.example.com", "sms.example.com:8443"])],
    ),
    "E045": (
        [
            ihuyi(WEBHOOK_SECRETS=[SECRET, bad])
            for bad in ("", SECRET[:42], f"{SECRET[:42]}~", f"{SECRET}\n", "密" * 43)
        ],
        [ihuyi(WEBHOOK_SECRETS=[]), ihuyi(WEBHOOK_SECRETS=(SECRET, SECRET[::-1]))],
    ),
    "E046": (
        [
            ihuyi(WEBHOOK_SECRETS=["x" * 43]),
            ihuyi(WEBHOOK_SECRETS=[SECRET, "change-me-" * 5]),
            {"SECRET_KEY": SECRET, **ihuyi(WEBHOOK_SECRETS=[SECRET])},
        ],
        [ihuyi(WEBHOOK_SECRETS=[SECRET])],
    ),
    "E047": (
        [
            ihuyi(WEBHOOK_ADDRESSES=[network])
            for network in ("", "*", "203.0.113.7/24", "example.com", "203.0.113.0/33")
        ],
        [ihuyi(WEBHOOK_ADDRESSES=["203.0.113.0/24", "203.0.113.7", "2001:db8::/32"])],
    ),
    "W022": (
        [{**ihuyi(WEBHOOK_SECRETS=[SECRET]), "ROOT_URLCONF": "django_ihuyi.urls"}],
        [ihuyi(WEBHOOK_SECRETS=[SECRET]), {"ROOT_URLCONF": "django_ihuyi.urls"}],
    ),
    "W023": (
        [{**PROXY, **ihuyi(WEBHOOK_ADDRESSES=["203.0.113.7"], CLIENT_LIMITS={})}],
        [
            {**PROXY, **ihuyi(WEBHOOK_ADDRESSES=["203.0.113.7"], TRUSTED_PROXY_COUNT=1)},
            {**PROXY, **ihuyi(WEBHOOK_ADDRESSES=["203.0.113.7"], **TRUSTED_HEADER)},
            {**PROXY, **ihuyi()},
        ],
    ),
    "E048": ([ihuyi(WEBHOOK_ENCODING=name) for name in ("", "GBK", "big5")], [ihuyi(WEBHOOK_ENCODING="gbk")]),
    "E056": (
        [ihuyi(RETENTION={"phones_days": 7}), ihuyi(RETENTION={"phone_days": 7, "phone_hours": 7})],
        [ihuyi(RETENTION={}), ihuyi(RETENTION={"phone_days": 3})],
    ),
    "E057": (
        [
            *(ihuyi(RETENTION={"phone_days": days}) for days in (0, -1, True, None)),
            ihuyi(RETENTION={"phone_days": 1, "message_days": 1}),
            ihuyi(RETENTION={"verification_days": 36_501}),
        ],
        [ihuyi(RETENTION={"verification_days": None, "phone_days": 1, "message_days": 2})],
    ),
    "E058": (
        [ihuyi(RETENTION={"phone_days": 4, "message_days": 3}), ihuyi(RETENTION={"message_days": 6})],
        [ihuyi(RETENTION={"phone_days": 3, "message_days": 3})],
    ),
    "W025": (
        [
            ihuyi(RETENTION={name: length})
            for name, length in {"phone_days": 8, "message_days": 181, "reply_days": 31, "unverified_hours": 25}.items()
        ],
        [ihuyi(RETENTION={"verification_days": 4000})],
    ),
    "E070": (
        [
            ihuyi(BUDGETS={"clients": {}}),
            ihuyi(BUDGETS={"client": {"LIMIT": "5/m"}}),
            ihuyi(BUDGETS={"global": {"NUMBERS": []}}),
        ],
        [ihuyi(BUDGETS={"prefix": {"LIMITS": ["9/d"]}, "conversion": {"REST": 60}})],
    ),
    "E071": (
        [
            *[ihuyi(BUDGETS={"client": {"LIMITS": limits}}) for limits in ("5/m", ["5"], ["5/0m"], [5], None)],
            ihuyi(BUDGETS={"prefix": {"NUMBERS": ["10/10"]}}),
            *[ihuyi(BUDGETS={"conversion": {"PERCENT": percent}}) for percent in (0, 91, 0.1, "10", True)],
            ihuyi(BUDGETS={"conversion": {"WINDOW": 40}}),
        ],
        [ihuyi(BUDGETS={"client": {"LIMITS": ("5/m", "7/30d"), "NUMBERS": []}, "conversion": {"MINIMUM": 100}})],
    ),
    "E072": (
        [ihuyi(BUDGETS={"client": {"MODE": mode}}) for mode in ("enforce", "REFUSE", None, True)],
        [ihuyi(BUDGETS={"client": {"MODE": "captcha"}, "user": {"MODE": "off"}})],
    ),
    "E073": (
        [
            ihuyi(EXEMPT_CLIENTS=["example.com"]),
            ihuyi(EXEMPT_CLIENTS=["203.0.113.0/33"]),
            ihuyi(EXEMPT_NUMBERS=["12345"]),
            ihuyi(EXEMPT_NUMBERS=["+447400123456"]),
        ],
        [
            ihuyi(EXEMPT_CLIENTS=["203.0.113.7", "203.0.113.7/24", "2001:db8::1", "2001:db8::/32"]),
            ihuyi(EXEMPT_NUMBERS=["138 0013 8000", "+8613800138000"]),
        ],
    ),
    "E074": (
        [ihuyi(DENIED_PREFIXES=[prefix]) for prefix in ("", "1", "12", "170x", "+", "+86", "+861", "170*")],
        [ihuyi(DENIED_PREFIXES=["17", "170", "1440", "+86170", "+4470"])],
    ),
    "W031": ([ihuyi(GUARDS=[CAPTCHA_GUARD])], [ihuyi(GUARDS=[f"{__name__}.OwnBudgets", CAPTCHA_GUARD])]),
    "W032": ([ihuyi(BUDGETS={"client": {"MODE": "record"}})], [ihuyi(BUDGETS={"client": {"MODE": "off"}})]),
    "W007": (
        [LOCMEM_CACHE, {**LOCMEM_CACHE, **ihuyi(CLIENT_LIMITS={"send": []}, GLOBAL_LIMITS={})}],
        [{**LOCMEM_CACHE, **ihuyi(CLIENT_LIMITS={}, GLOBAL_LIMITS={"send": []})}],
    ),
    "W035": (
        [logs(include_html=True)],
        [
            logs(),
            logs(include_html=True, reporter_class=REPORTER),
            {**logs(include_html=True), "DEFAULT_EXCEPTION_REPORTER": REPORTER},
        ],
    ),
    "W008": (
        [PROXY, {"USE_X_FORWARDED_HOST": True}],
        [{**PROXY, **ihuyi(TRUSTED_PROXY_COUNT=1)}, {**PROXY, **ihuyi(**TRUSTED_HEADER)}],
    ),
}
FOUND = [
    pytest.param(name, case, id=f"{name}-{n}") for name, (found, _) in CASES.items() for n, case in enumerate(found, 1)
]
SILENT = [
    pytest.param(name, case, id=f"{name}-{n}")
    for name, (_, silent) in CASES.items()
    for n, case in enumerate(silent, 1)
]


@pytest.fixture
def check(settings, monkeypatch):
    """Run our checks with some settings, as `manage.py check --deploy` does; return what they say."""
    # The checks take Django's mail outbox for the sign of a test run, and a deployment is to be judged here.
    monkeypatch.delattr(mail, "outbox", raising=False)
    monkeypatch.setattr(fixed_codes, "today", lambda: TODAY)

    def run(chosen):
        for name, value in {**SOUND, **chosen}.items():
            setattr(settings, name, value)
        return checks.run_checks(tags=[TAG], include_deployment_checks=True)

    return run


def ids(messages):
    # Findings that depend on the database of the test run have tests of their own.
    return {message.id.removeprefix("ihuyi.") for message in messages} - {"W009", "E031"}


def test_a_sound_site_has_no_findings(check):
    assert ids(check({})) == set()


@pytest.mark.parametrize(("name", "chosen"), FOUND)
def test_each_error_is_reported_by_its_own_check_alone(check, name, chosen):
    messages = check(chosen)

    assert ids(messages) == {name}
    levels = {"E": checks.ERROR, "W": checks.WARNING}
    assert {message.level for message in messages if message.id.endswith(name)} == {levels[name[0]]}


@pytest.mark.parametrize(("name", "chosen"), SILENT)
def test_valid_settings_are_not_reported(check, name, chosen):
    assert name not in ids(check(chosen))


def test_simulator_in_production_allows_no_other_backend_that_shows_codes(check):
    messages = check(ihuyi(**channel(CONSOLE), SIMULATOR_IN_PRODUCTION=True))

    assert ids(messages) == {"E022", "W002"}


@pytest.mark.parametrize("chosen", [pytest.param(case.values[1], id=case.id) for case in FOUND])
def test_no_finding_repeats_a_secret(check, chosen):
    said = " ".join(f"{message.msg} {message.hint}" for message in check(chosen))

    assert [secret for secret in (ACCOUNT["api_key"], SOUND["SECRET_KEY"]) if secret in said] == []


@pytest.mark.parametrize(("dispatcher", "package"), [("celery", "celery"), ("tasks", TASKS_PACKAGE)])
def test_a_dispatcher_without_its_package_is_found(check, monkeypatch, dispatcher, package):
    load_dispatcher.cache_clear()
    for module in ("celery", "django_tasks"):
        monkeypatch.delitem(sys.modules, f"django_ihuyi.delivery.dispatchers.{module}", raising=False)
    for module in {package, "django_tasks"}:
        monkeypatch.setitem(sys.modules, module, None)

    messages = check(ihuyi(DISPATCHER=dispatcher))

    assert [message.id for message in messages if message.id in ("ihuyi.E043", "ihuyi.W020")] == ["ihuyi.E043"]
    assert package in messages[0].msg or "django_tasks" in messages[0].msg


def test_a_database_that_keeps_local_times_is_found(check, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "TIME_ZONE", "Asia/Shanghai")

    assert {message.id for message in check({})} - {"ihuyi.W009"} == {"ihuyi.E031"}


@pytest.mark.parametrize("zone", [None, "UTC"])
def test_a_database_that_keeps_utc_is_sound(check, monkeypatch, zone):
    monkeypatch.setitem(connection.settings_dict, "TIME_ZONE", zone)

    assert "ihuyi.E031" not in {message.id for message in check({})}


TIMEOUTS = {
    "sqlite": {},
    "postgresql": {"connect_timeout": 3, "options": "-c statement_timeout=5000"},
    "mysql": {"connect_timeout": 3, "read_timeout": 6, "write_timeout": 6},
}


def test_a_database_without_timeouts_is_found(check, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", {})

    expected = set() if connection.vendor == "sqlite" else {"ihuyi.W009"}
    assert {message.id for message in check({})} == expected


def test_a_database_with_timeouts_is_sound(check, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", TIMEOUTS[connection.vendor])

    assert check({}) == []


@pytest.mark.parametrize(
    ("vendor", "ends", "count"), [("postgresql", False, 1), ("postgresql", True, 0), ("mysql", False, 0)]
)
def test_postgresql_without_end_waits_is_reported(monkeypatch, vendor, ends, count):
    monkeypatch.setattr(type(connections["default"]), "vendor", vendor)
    if not ends:
        connection_created.disconnect(end_waits)
    try:
        found = list(find_endless_waits())
    finally:
        connection_created.connect(end_waits)

    assert len(found) == count


def server(vendor, *, version=(), is_mariadb=False):
    """A connection with the attributes that the check of the server reads."""
    return SimpleNamespace(
        alias="default", vendor=vendor, display_name=vendor, mysql_version=version, mysql_is_mariadb=is_mariadb
    )


@pytest.mark.parametrize(
    ("connection", "complaints"),
    [
        pytest.param(server("sqlite"), [], id="SQLite"),
        pytest.param(server("postgresql"), [], id="PostgreSQL"),
        pytest.param(server("mysql", is_mariadb=True, version=(10, 6, 0)), [], id="MariaDB 10.6"),
        pytest.param(server("mysql", is_mariadb=True, version=(11, 4, 2)), [], id="MariaDB 11"),
        pytest.param(
            server("mysql", is_mariadb=True, version=(10, 5, 29)),
            ["The database 'default' is MariaDB 10.5.29, which is too old."],
            id="MariaDB 10.5",
        ),
        pytest.param(
            server("mysql", version=(8, 4, 0)),
            ["The database 'default' is MySQL, which is not supported."],
            id="MySQL",
        ),
        pytest.param(server("oracle"), ["The database 'default' is oracle, which is not supported."], id="Oracle"),
    ],
)
def test_a_server_that_is_too_old_or_foreign_is_found(connection, complaints):
    assert list(complain_of_server(connection)) == complaints


@pytest.mark.django_db
def test_the_database_of_this_run_passes_the_database_checks():
    found = checks.run_checks(tags=[TAG], databases=["default"])

    assert [message.id for message in found if message.id in {"ihuyi.E032", "ihuyi.E033"}] == []


@pytest.mark.django_db
@pytest.mark.parametrize(("charset", "found"), [("latin1", 1), ("utf8mb4", 0)])
def test_a_connection_that_cannot_hold_every_character_is_found(charset, found):
    """Only MariaDB has such a connection; on other databases nothing is reported."""
    other = connections.create_connection("default")
    other.settings_dict = {**other.settings_dict, "OPTIONS": {**other.settings_dict["OPTIONS"]}}
    if other.vendor == "mysql":
        other.settings_dict["OPTIONS"]["charset"] = charset
    try:
        complaints = list(find_narrow_charsets(other))
    finally:
        other.close()

    assert len(complaints) == (found if other.vendor == "mysql" else 0)


@pytest.mark.usefixtures("outbox")
@pytest.mark.parametrize(("days", "found"), [(13, 0), (15, 1), (200, 2)])
def test_a_purge_that_does_not_run_is_found(days, found):
    guess_right(send())
    let_pass(days=days)

    complaints = list(find_no_purge(connection))
    assert len(complaints) == found
    assert not found or "numbers and texts" in complaints[-1]
    list(purge())
    assert list(find_no_purge(connection)) == []


def test_a_missing_purge_is_not_reported_before_the_tables_exist():
    """`check --deploy --database default` may run before `migrate` does."""
    empty = SimpleNamespace(alias="default", introspection=SimpleNamespace(table_names=list))

    assert list(find_no_purge(empty)) == []


def test_every_finding_has_its_cases():
    elsewhere = {"E031", "E032", "E033", "W009", "W026", "W033"}

    assert {name.removeprefix("ihuyi.") for name in FINDINGS} == set(CASES) | elsewhere


def test_no_id_is_given_twice():
    with pytest.raises(ValueError, match="taken"):
        finding("E001", hint="")(list)


def test_the_documentation_lists_every_finding_as_it_is():
    page = (ROOT / "docs" / "reference" / "checks.md").read_text(encoding="utf-8")

    documented = re.findall(r"^\| `(ihuyi\.\w+)`( \(deploy\))? \| (.+?) \| (.+?) \|$", page, re.MULTILINE)
    assert documented == sorted(
        (found.id, " (deploy)" if found.deploy else "", found.meaning, found.hint) for found in FINDINGS.values()
    )


def manage(*words, **environment):
    command = [sys.executable, str(ROOT / "example_project" / "manage.py"), *words]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("IHUYI_", "DJANGO_SETTINGS"))}
    return subprocess.run(command, env={**kept, **environment}, capture_output=True, text=True, encoding="utf-8")


def test_the_example_passes_its_checks_in_development():
    finished = manage("check", "--tag", TAG)

    assert (finished.returncode, "no issues" in finished.stdout) == (0, True)


def test_the_simulator_in_production_stops_every_command():
    finished = manage("check", DEBUG="0", SECRET_KEY="k" * 50)

    assert (finished.returncode, "ihuyi.E022" in finished.stderr) == (1, True)
