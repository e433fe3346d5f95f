"""Every finding is found where it is, is silent where it is not, and stands in the documentation."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core import checks, mail
from django.db import connection, connections

from django_ihuyi.backends import BaseBackend
from django_ihuyi.checks import FINDINGS, TAG
from django_ihuyi.checks.databases import complain_of_server, find_narrow_charsets, find_untried_servers
from django_ihuyi.checks.findings import finding
from django_ihuyi.conf import DEFAULT_TEXT

# To judge models and settings, Django asks MariaDB for its version.
pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parent.parent

IHUYI = "django_ihuyi.backends.ihuyi.IhuyiBackend"
SIMULATOR = "django_ihuyi.backends.simulator.SimulatorBackend"
PLAIN_HTTP = "http://106.ihuyi.com/webservice/sms.php"
CONSOLE = "django_ihuyi.backends.console.ConsoleBackend"
ACCOUNT = {"account": "C12345678", "api_key": "9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d"}


class OwnBackend(BaseBackend):
    """A backend of the host's own."""

    def submit(self, phone, text):
        raise NotImplementedError


def channel(backend=IHUYI, **options):
    options = options if backend != IHUYI else {**ACCOUNT, **options}
    return {"CHANNELS": {"sms": {"BACKEND": backend, "OPTIONS": {k: v for k, v in options.items() if v is not None}}}}


def template(text="代码 {code}", **more):
    return {"TEMPLATES": {"code": {"TEXT": text, "FILED": "2026-01-01", **more}}}


def notice(text, **more):
    return {"TEMPLATES": {"code": {"TEXT": DEFAULT_TEXT}, "notice": {"TEXT": text, "FILED": "2026-01-01", **more}}}


# A site with nothing to find: every case below differs from it in one thing.
SOUND = {
    "DEBUG": False,
    "USE_TZ": True,
    "SECRET_KEY": "k" * 50,
    "CACHES": {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://cache"}},
    "IHUYI": channel(),
}


def ihuyi(**chosen):
    return {"IHUYI": {**SOUND["IHUYI"], **chosen}}


ABROAD = {"CHANNELS": {name: channel()["CHANNELS"]["sms"] for name in ("sms", "international")}}
LOCMEM_CACHE = {"CACHES": {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}}
PROXY = {"SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https")}

# id: settings with which it is found, settings close by with which it is not.
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
            ihuyi(CROSS_SITE_ORIGINS="https://app.example.com"),
            ihuyi(PLATFORM_HOSTS="sms.example.com"),
            ihuyi(ALLOW_LOOPBACK="no"),
            ihuyi(SIMULATOR_IN_PRODUCTION=0),
            ihuyi(INTERNATIONAL_REGIONS="GB"),
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
            ihuyi(NUMBER_LIMITS={"messages": 5}),
            ihuyi(NUMBER_LIMITS={"messages": 5, "codes": 5, "notices": 5}),
            ihuyi(NUMBER_LIMITS={"messages": 5, "codes": 0}),
        ],
        [ihuyi(NUMBER_LIMITS={"messages": 1, "codes": 1})],
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
        [ihuyi(CLIENT_LIMITS={"sent": ["5/m"]}), ihuyi(GLOBAL_LIMITS={"all": ["5/m"]})],
        [ihuyi(CLIENT_LIMITS={})],
    ),
    "E011": (
        [ihuyi(CLIENT_LIMITS={"send": [rate]}) for rate in ("5", "5/w", "0/m", "5 / m", "5/60", "/m")],
        [ihuyi(GLOBAL_LIMITS={"send": ["5/s", "5/m", "5/h", "5/d"], "verify": []})],
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
        [ihuyi(**channel("tests.test_checks.OwnBackend"))],
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
            ihuyi(**channel("tests.test_checks.OwnBackend", a=1)),
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
    "W006": (
        [ihuyi(**template("【互亿无线】代码 {code}")), ihuyi(**template("代码 {code}【互亿无线】"))],
        [ihuyi(**template("代码【{code}】。"))],
    ),
    "E027": (
        [{"SECRET_KEY": "k" * 31}, {"SECRET_KEY_FALLBACKS": ["k" * 31]}],
        [{"SECRET_KEY": "k" * 32}, {"SECRET_KEY": "钥" * 11}],
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
    "W007": ([LOCMEM_CACHE], [{**LOCMEM_CACHE, **ihuyi(CLIENT_LIMITS={}, GLOBAL_LIMITS={})}]),
    "W008": ([PROXY, {"USE_X_FORWARDED_HOST": True}], [{**PROXY, **ihuyi(TRUSTED_PROXY_COUNT=1)}]),
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
    # A deployment is what is judged, and not this test run, which Django's mail outbox is a sign of.
    monkeypatch.delattr(mail, "outbox", raising=False)

    def run(chosen):
        for name, value in {**SOUND, **chosen}.items():
            setattr(settings, name, value)
        return checks.run_checks(tags=[TAG], include_deployment_checks=True)

    return run


def ids(messages):
    # What depends on the database that the suite runs on has tests of its own.
    return {message.id.removeprefix("ihuyi.") for message in messages} - {"W009", "E031"}


def test_a_sound_site_has_nothing_to_be_found(check):
    assert ids(check({})) == set()


@pytest.mark.parametrize(("name", "chosen"), FOUND)
def test_what_is_wrong_is_found_by_its_own_finding_alone(check, name, chosen):
    messages = check(chosen)

    assert ids(messages) == {name}
    levels = {"E": checks.ERROR, "W": checks.WARNING}
    assert {message.level for message in messages if message.id.endswith(name)} == {levels[name[0]]}


@pytest.mark.parametrize(("name", "chosen"), SILENT)
def test_what_is_right_is_not_found(check, name, chosen):
    assert name not in ids(check(chosen))


def test_only_the_simulator_may_be_let_into_production(check):
    messages = check(ihuyi(**channel(CONSOLE), SIMULATOR_IN_PRODUCTION=True))

    assert ids(messages) == {"E022", "W002"}


@pytest.mark.parametrize("chosen", [pytest.param(case.values[1], id=case.id) for case in FOUND])
def test_no_finding_repeats_a_secret(check, chosen):
    said = " ".join(f"{message.msg} {message.hint}" for message in check(chosen))

    assert [secret for secret in (ACCOUNT["api_key"], SOUND["SECRET_KEY"]) if secret in said] == []


def test_a_database_that_keeps_local_times_is_found(check, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "TIME_ZONE", "Asia/Shanghai")

    expected = {"ihuyi.E031"} if connection.vendor != "postgresql" else set()
    assert {message.id for message in check({})} - {"ihuyi.W009"} == expected


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


def server(vendor, *, version=(), is_mariadb=False):
    """What the judgement of a server asks of a connection."""
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
            ["The database 'default' is MariaDB 10.5.29."],
            id="MariaDB 10.5",
        ),
        pytest.param(server("mysql", version=(8, 4, 0)), [], id="MySQL"),
        pytest.param(server("oracle"), ["The database 'default' is oracle."], id="Oracle"),
    ],
)
def test_a_server_that_is_too_old_or_foreign_is_found(connection, complaints):
    assert list(complain_of_server(connection)) == complaints


@pytest.mark.parametrize("is_mariadb", [True, False], ids=["MariaDB", "MySQL"])
def test_mysql_is_warned_of(is_mariadb):
    complaints = list(find_untried_servers(server("mysql", is_mariadb=is_mariadb)))

    assert complaints == ([] if is_mariadb else ["The database 'default' is MySQL."])


@pytest.mark.django_db
def test_the_suites_own_database_is_sound_for_the_checks_that_ask_it():
    found = checks.run_checks(tags=[TAG], databases=["default"])

    assert [message.id for message in found if message.id in {"ihuyi.E032", "ihuyi.E033", "ihuyi.W010"}] == []


@pytest.mark.django_db
@pytest.mark.parametrize(("charset", "found"), [("latin1", 1), ("utf8mb4", 0)])
def test_a_connection_that_cannot_hold_every_character_is_found(charset, found):
    """Real on MariaDB; elsewhere there is nothing to find."""
    other = connections.create_connection("default")
    other.settings_dict = {**other.settings_dict, "OPTIONS": {**other.settings_dict["OPTIONS"]}}
    if other.vendor == "mysql":
        other.settings_dict["OPTIONS"]["charset"] = charset
    try:
        complaints = list(find_narrow_charsets(other))
    finally:
        other.close()

    assert len(complaints) == (found if other.vendor == "mysql" else 0)


def test_every_finding_has_its_cases():
    elsewhere = {"E031", "E032", "E033", "W009", "W010"}

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
