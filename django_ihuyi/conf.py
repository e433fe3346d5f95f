"""Every setting: its name, type, default and meaning. All of them live in one dict, `IHUYI`, in Django's settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings as django_settings

#: The text that every trial account may send (the platform's page, section 2); its punctuation is full-width.
DEFAULT_TEXT = "您的验证码是：{code}。请不要把验证码泄露给其他人。"


#: The settings that a host may give in part, and how many levels deep: a key that is left out keeps its default.
PARTIAL = {"NUMBER_LIMITS": 1, "CLIENT_LIMITS": 1, "GLOBAL_LIMITS": 1, "RETENTION": 1, "BUDGETS": 2}
#: Of these, the settings whose empty dict means "no limits", not "all defaults".
LIFTED_BY_EMPTY_DICT = {"CLIENT_LIMITS", "GLOBAL_LIMITS"}


class Settings:
    """Read `IHUYI[name]` at the moment of use, with the default below for what it leaves out (see `PARTIAL`)."""

    #: How each channel is reached: {"sms": {"BACKEND": path of a class, "OPTIONS": {its keyword arguments}}}.
    CHANNELS: Mapping[str, Mapping[str, Any]] = {"sms": {"BACKEND": "django_ihuyi.backends.ihuyi.IhuyiBackend"}}
    #: The purposes of codes: {purpose: {"TEMPLATE": a name in TEMPLATES, "code" unless given, "POLICY": dotted path of
    #: a function. If it returns False, no SMS is sent, but the API answers as if one had been}}.
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
    #: Price of one part of a message, without currency: "0.045". Empty: no price is shown.
    PART_PRICE: str = ""

    #: The caller of the platform: "inline" (the requesting process), "tasks" (django.tasks), "celery", or the path of
    #: a Dispatcher class.
    DISPATCHER: str = "inline"
    #: If the queue cannot take a message: "inline" (call the platform), or "refuse" (503, and nothing is claimed).
    DISPATCH_FALLBACK: str = "inline"

    #: Regions (ISO 3166: "GB", "HK") whose mobile numbers may be sent to by the channel "international".
    INTERNATIONAL_REGIONS: Sequence[str] = ()

    #: Digits of a code, 6 to 8.
    CODE_LENGTH: int = 6
    #: Seconds that a code lives after it was sent, at most 600 (NIST SP 800-63B-4, section 3.1.3.2).
    CODE_LIFETIME: int = 300
    #: Guesses that are answered for one code, at most 10.
    MAX_ATTEMPTS: int = 5

    #: Phones that no message is sent to and whose code is fixed: {number: {"secret_code": digits, "until": the last day
    #: ("2027-01-31"), "name": its use}}. With DEBUG off an entry without name or date does not hold.
    TEST_NUMBERS: Mapping[str, Mapping[str, str]] = {}

    #: Seconds between two messages of one purpose to one number.
    RESEND_INTERVAL: int = 60
    #: Messages to one number in any 24 hours: of all kinds (the platform's 4082), and of codes (its 4085).
    NUMBER_LIMITS: Mapping[str, int] = {"messages": 5, "codes": 5}
    #: Let NUMBER_LIMITS exceed five, the platform's own figure: for an account that has been granted more.
    EXCEED_PLATFORM_LIMITS: bool = False
    #: Requests of one client address or user, as count/period with period s, m, h or d. A scope that is left out keeps
    #: its default; an empty list lifts one limit, an empty dict all. None, the default of "send": the LIMITS of the
    #: BUDGETS `client` and `user`, if their MODE is refuse.
    CLIENT_LIMITS: Mapping[str, Sequence[str] | None] = {
        "send": None,
        "verify": ["30/m"],
        "captcha": ["30/m"],
        "status": ["120/m"],
    }
    #: The ceiling of all: codes that the API may send to all phones together, counted in the cache when a message is
    #: about to be written. Its only scope is "send"; None: the LIMITS of the budget `global`.
    GLOBAL_LIMITS: Mapping[str, Sequence[str] | None] = {"send": None}

    #: Guards that are asked before a code is sent, in this order: paths of subclasses of `django_ihuyi.guards.Guard`.
    GUARDS: Sequence[str] = ()
    #: Calls of the platform that one process may have under way; more wait, or are refused. Set it to half of the
    #: threads of one process.
    PLATFORM_CONCURRENCY: int = 4

    #: The captcha of the captcha guard: {"BACKEND": "image", "geetest", "proof_of_work" or the path of a class,
    #: "OPTIONS": {its keyword arguments}, "RULES": {a purpose, or "*" for all others: "always", "asked", "never", or
    #: after how many codes in 24 hours: {"after_client": 3, "after_number": 2}}}. Without a rule: "always".
    CAPTCHA: Mapping[str, Any] = {}

    #: How long personal data are kept before the purge erases them; None is for ever, and a period that is left out
    #: keeps its default. In this order: failed verifications (from their expiry), successful ones, the number, texts
    #: and requester's address of a message (from its sending), the rest of the message, and replies (from receipt).
    RETENTION: Mapping[str, int | None] = {
        "unverified_hours": 24,
        "verification_days": None,
        "phone_days": 7,
        "message_days": 180,
        "reply_days": 30,
    }

    #: Budgets for unknown callers, counted exactly if GUARDS names `django_ihuyi.guards.budgets.BudgetGuard`. LIMITS
    #: count messages, NUMBERS different phones; MODE is refuse, captcha, record or off. With BEHIND_CAPTCHA, NUMBERS
    #: want a captcha, and as many different phones behind it refuse. Budgets, and keys of a budget, that are left out
    #: keep their defaults.
    BUDGETS: Mapping[str, Mapping[str, Any]] = {
        "client": {"LIMITS": ["5/m", "20/h", "50/d"], "NUMBERS": ["10/h"], "MODE": "refuse"},
        "user": {"LIMITS": ["5/m", "20/h", "50/d"], "NUMBERS": ["10/h"], "MODE": "refuse"},
        "prefix": {"NUMBERS": ["10/10m"], "BEHIND_CAPTCHA": ["50/10m"], "MODE": "refuse"},
        "global": {"LIMITS": ["300/m", "20000/d"], "MODE": "refuse"},
        "unverified": {"LIMITS": ["10/h", "30/d"], "MODE": "captcha"},
        "conversion": {"WINDOW": 100, "MINIMUM": 50, "PERCENT": 10, "PATIENCE": 60, "REST": 600, "MODE": "refuse"},
    }
    #: Addresses or networks, and phones, that count for the budget `global` only, and for no CLIENT_LIMITS.
    EXEMPT_CLIENTS: Sequence[str] = ()
    EXEMPT_NUMBERS: Sequence[str] = ()
    #: First digits of numbers that no message is sent to (segments, 号段): "170", "1440", or with the country's code
    #: "+4470".
    DENIED_PREFIXES: Sequence[str] = ()

    #: Reverse proxies in front of the site that append to X-Forwarded-For; 0: the header is not read.
    TRUSTED_PROXY_COUNT: int = 0
    #: A header with the client's address ("X-Real-IP", "CF-Connecting-IP"), read instead of X-Forwarded-For, and only
    #: in requests from TRUSTED_PROXIES: addresses, networks, or "unix" for an empty REMOTE_ADDR.
    TRUSTED_CLIENT_IP_HEADER: str = ""
    TRUSTED_PROXIES: Sequence[str] = ()
    #: Secrets in the addresses that receipts and replies are pushed to; the first is the newest. Empty: none opens.
    WEBHOOK_SECRETS: Sequence[str] = ()
    #: Networks ("203.0.113.0/24") that receipts and replies may come from. Empty: any.
    WEBHOOK_ADDRESSES: Sequence[str] = ()
    #: Encoding of receipts and replies: "utf-8" or "gbk".
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
        # No variable holds IHUYI: error reports show variables, and IHUYI has the keys.
        if name in Settings.__annotations__ and name in getattr(django_settings, "IHUYI", {}):
            return _complete(name) if name in PARTIAL else django_settings.IHUYI[name]
        return super().__getattribute__(name)


def _complete(name: str) -> Any:
    chosen = django_settings.IHUYI[name]
    if name in LIFTED_BY_EMPTY_DICT and chosen == {}:
        return chosen
    return _fill_in(chosen, Settings.__dict__[name], levels=PARTIAL[name])


def _fill_in(chosen: Any, default: Any, *, levels: int) -> Any:
    # A value of a wrong type is returned as it is, never refused here: the checks must be able to read it.
    if not levels or not isinstance(chosen, Mapping) or not isinstance(default, Mapping):
        return chosen
    filled = {key: _fill_in(value, default.get(key), levels=levels - 1) for key, value in chosen.items()}
    return {**default, **filled}


settings = Settings()
