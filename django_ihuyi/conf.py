"""Every setting: its name, type, default and meaning. All of them live in one dict, `IHUYI`, in Django's settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings as django_settings

#: The text that every trial account may send (the platform's page, section 2); its punctuation is full-width.
DEFAULT_TEXT = "您的验证码是：{code}。请不要把验证码泄露给其他人。"


class Settings:
    """Read `IHUYI[name]` at the moment of use, or the default that stands here."""

    #: How each channel is reached: {"sms": {"BACKEND": path of a class, "OPTIONS": {its keyword arguments}}}.
    CHANNELS: Mapping[str, Mapping[str, Any]] = {"sms": {"BACKEND": "django_ihuyi.backends.ihuyi.IhuyiBackend"}}
    #: What codes may be asked for: {purpose: {"TEMPLATE": a name in TEMPLATES, "code" unless given, "POLICY": the path
    #: of a function that says whether a code may go to a phone, and of which no answer tells what it said}}.
    PURPOSES: Mapping[str, Mapping[str, str]] = {
        "register": {},
        "login": {},
        "reset_password": {},
        "change_phone": {},
    }
    #: The texts filed with the platform: {name: {"TEXT": with {code} in it, "ID": the template's number, optional}}.
    #: With an ID the platform is sent the number and the variables, without one the whole text. "FILED" says since
    #: when a text without an ID is approved, "EXAMPLE" what its variables may be, joined by |: both for the linter.
    TEMPLATES: Mapping[str, Mapping[str, str]] = {"code": {"TEXT": DEFAULT_TEXT}}
    #: Characters of a variable, and of a text, that are agreed for the account (the platform's 40722 and 4073).
    VARIABLE_LENGTH: int = 8
    TEXT_LENGTH: int = 300
    #: The signature that the platform puts in front of every text: its length is billed too.
    SIGNATURE: str = "互亿无线"
    #: What one part of a message costs, as you want to see it multiplied: "0.045". Empty: no price is shown.
    PART_PRICE: str = ""

    #: Who calls the platform: "inline" (the process that asks), "tasks" (django.tasks), "celery", or the path of a
    #: Dispatcher class.
    DISPATCHER: str = "inline"
    #: What happens when the queue cannot take a message: "inline", or "refuse" (503, and nothing is claimed).
    DISPATCH_FALLBACK: str = "inline"

    #: Regions (ISO 3166: "GB", "HK") whose mobile numbers may be sent to by the channel "international".
    INTERNATIONAL_REGIONS: Sequence[str] = ()

    #: Digits of a code, 6 to 8.
    CODE_LENGTH: int = 6
    #: Seconds that a code lives after it was sent, at most 600 (NIST SP 800-63B-4, section 3.1.3.2).
    CODE_LIFETIME: int = 300
    #: Guesses that are answered for one code, at most 10.
    MAX_ATTEMPTS: int = 5

    #: Phones that nothing is sent to and whose code is fixed: {number: {"secret_code": digits, "until": the last day
    #: ("2027-01-31"), "name": what for}}. With DEBUG off an entry without name or date does not hold.
    TEST_NUMBERS: Mapping[str, Mapping[str, str]] = {}

    #: Seconds between two messages of one purpose to one number.
    RESEND_INTERVAL: int = 60
    #: Messages to one number in any 24 hours: of all kinds (the platform's 4082), and of codes (its 4085).
    NUMBER_LIMITS: Mapping[str, int] = {"messages": 5, "codes": 5}
    #: Let NUMBER_LIMITS exceed five, the platform's own figure: for an account that has been granted more.
    EXCEED_PLATFORM_LIMITS: bool = False
    #: Requests of one client address or user, as count/period with period s, m, h or d. What is left out keeps its
    #: default; an empty list lifts one limit, an empty dict all.
    CLIENT_LIMITS: Mapping[str, Sequence[str]] = {
        "send": ["5/m", "20/h", "50/d"],
        "verify": ["30/m"],
        "captcha": ["30/m"],
    }
    #: Requests of all clients together; what is left out, and what is empty, as above.
    GLOBAL_LIMITS: Mapping[str, Sequence[str]] = {"send": ["300/m", "20000/d"]}

    #: Who is asked before a code is sent: paths of subclasses of `django_ihuyi.guards.Guard`, asked in this order.
    GUARDS: Sequence[str] = ()
    #: Calls of the platform that one process may have under way; more wait, or are refused. Half of its threads.
    PLATFORM_CONCURRENCY: int = 4

    #: What the captcha guard shows, and when: {"BACKEND": "image", "geetest", "proof_of_work" or the path of a class,
    #: "OPTIONS": {its keyword arguments}, "RULES": {a purpose, or "*" for all others: "always", "asked", "never", or
    #: after how many codes in 24 hours: {"after_client": 3, "after_number": 2}}}. Without a rule: "always".
    CAPTCHA: Mapping[str, Any] = {}

    #: How long what is kept; what is left out keeps its default, and None is for ever. The purge erases it then:
    #: verifications that did not succeed, after they expired, and those that did; the number, the texts and the
    #: requester's address of a message, after it was sent, and what is left of it; replies, after they came.
    RETENTION: Mapping[str, int | None] = {
        "unverified_hours": 24,
        "verification_days": None,
        "phone_days": 7,
        "message_days": 180,
        "reply_days": 30,
    }

    #: What strangers may make us spend, counted exactly if GUARDS names `django_ihuyi.guards.budgets.BudgetGuard`.
    #: LIMITS are of messages, NUMBERS of different phones; MODE is refuse, captcha, record or off. What the settings
    #: do not name stays as it is here.
    BUDGETS: Mapping[str, Mapping[str, Any]] = {
        "client": {"LIMITS": ["5/m", "20/h", "50/d"], "NUMBERS": ["10/h"], "MODE": "refuse"},
        "user": {"LIMITS": ["5/m", "20/h", "50/d"], "NUMBERS": ["10/h"], "MODE": "refuse"},
        "prefix": {"NUMBERS": ["10/10m"], "MODE": "refuse"},
        "global": {"LIMITS": ["300/m", "20000/d"], "MODE": "refuse"},
        "unverified": {"LIMITS": ["10/h", "30/d"], "MODE": "captcha"},
        "conversion": {"WINDOW": 100, "MINIMUM": 50, "PERCENT": 10, "PATIENCE": 60, "REST": 600, "MODE": "refuse"},
    }
    #: Addresses or networks, and phones, that count for the budget `global` only, and for no CLIENT_LIMITS.
    EXEMPT_CLIENTS: Sequence[str] = ()
    EXEMPT_NUMBERS: Sequence[str] = ()
    #: How numbers begin that nothing is sent to (segments, 号段): "170", "1440", or with the country's code "+4470".
    DENIED_PREFIXES: Sequence[str] = ()

    #: Reverse proxies in front of the site that append to X-Forwarded-For; 0: the header is not read.
    TRUSTED_PROXY_COUNT: int = 0
    #: Secrets in the addresses that receipts and replies are pushed to; the first is the newest. Empty: none is taken.
    WEBHOOK_SECRETS: Sequence[str] = ()
    #: Networks ("203.0.113.0/24") that receipts and replies may come from. Empty: any.
    WEBHOOK_ADDRESSES: Sequence[str] = ()
    #: How the platform writes what it pushes: "utf-8" or "gbk".
    WEBHOOK_ENCODING: str = "utf-8"
    #: Origins ("https://app.example.com") whose pages may call the API from another site.
    CROSS_SITE_ORIGINS: Sequence[str] = ()
    #: Hosts ("sms.example.com", or with a port) that a channel's url may name beside the platform's own.
    PLATFORM_HOSTS: Sequence[str] = ()
    #: Let a channel's url be plain http on loopback: for a simulator that runs beside the site.
    ALLOW_LOOPBACK: bool = False
    #: Serve the simulator's pages, which show codes, although DEBUG is off.
    SIMULATOR_IN_PRODUCTION: bool = False

    def __getattribute__(self, name: str) -> Any:
        if name in Settings.__annotations__:
            chosen = getattr(django_settings, "IHUYI", {})
            if name in chosen:
                return chosen[name]
        return super().__getattribute__(name)


settings = Settings()
