"""Findings about Django's own settings that codes and limits depend on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.conf import settings as django_settings
from django.utils.encoding import force_bytes
from django.utils.module_loading import import_string

from django_ihuyi.checks.findings import finding
from django_ihuyi.checks.names import sound
from django_ihuyi.masking import MaskingReporter

#: Minimum bytes of a key for HMAC-SHA256 (RFC 2104, section 3).
KEY_LENGTH = 32
#: Keys that startproject and the example project make for development, and placeholders in samples.
SAMPLE_KEYS = re.compile(r"django-insecure-|.*(change[-_ ]?me|(your|my)[-_ ]secret[-_ ]key)", re.IGNORECASE)
#: Caches that processes do not share, or that lose counts when two processes count at once.
UNCOUNTABLE = ("locmem.LocMemCache", "dummy.DummyCache", "filebased.FileBasedCache", "db.DatabaseCache")


@finding("E027", hint="Make one with django.core.management.utils.get_random_secret_key(): codes are derived from it.")
def find_short_keys() -> Iterator[str]:
    """SECRET_KEY, or one of SECRET_KEY_FALLBACKS, is shorter than 32 bytes."""
    for name, key in _keys():
        if len(force_bytes(key)) < KEY_LENGTH:
            yield f"{name} is shorter than {KEY_LENGTH} bytes."


@finding("E077", hint="Make one with django.core.management.utils.get_random_secret_key().", deploy=True)
def find_sample_keys() -> Iterator[str]:
    """DEBUG is off, and SECRET_KEY, or one of SECRET_KEY_FALLBACKS, is a development or sample key."""
    for name, key in _keys():
        if not django_settings.DEBUG and SAMPLE_KEYS.match(str(key)):
            yield f"{name} is a development or sample key, which others may know."


@finding("E028", hint="Set USE_TZ to True, as Django does by default.")
def find_naive_times() -> Iterator[str]:
    """USE_TZ is off: lifetimes and limits would be wrong for an hour, twice a year."""
    if not django_settings.USE_TZ:
        yield "USE_TZ is False."


@finding("E029", hint='Write origins as browsers do: "https://app.example.com", without a default port.')
def find_wrong_origins() -> Iterator[str]:
    """CROSS_SITE_ORIGINS has an entry that no browser sends as Origin."""
    for origin in sound("CROSS_SITE_ORIGINS"):
        if not re.fullmatch(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|[a-z][a-z0-9+.-]*://[a-z0-9._-]+", origin):
            yield f"{origin!r} in IHUYI['CROSS_SITE_ORIGINS'] is not an origin."


@finding("E030", hint='Write "sms.example.com", or "sms.example.com:8443" for a port other than 443.')
def find_wrong_hosts() -> Iterator[str]:
    """PLATFORM_HOSTS has an entry that is not a host."""
    for host in sound("PLATFORM_HOSTS"):
        if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?", host):
            yield f"{host!r} in IHUYI['PLATFORM_HOSTS'] is not a host."


@finding("W007", hint="Use Redis or memcached, which count the requests of all processes.", deploy=True)
def find_uncountable_caches() -> Iterator[str]:
    """CLIENT_LIMITS or GLOBAL_LIMITS are counted in a cache that the processes do not share, or that loses counts."""
    alias = getattr(django_settings, "RATELIMIT_USE_CACHE", "default")
    backend = django_settings.CACHES.get(alias, {}).get("BACKEND", "")
    if backend.endswith(UNCOUNTABLE) and (_limits("CLIENT_LIMITS") or _limits("GLOBAL_LIMITS")):
        yield f"CACHES[{alias!r}] is a {backend.rpartition('.')[2]}, which cannot count the requests of all processes."


@finding("W035", hint='Set DEFAULT_EXCEPTION_REPORTER to "django_ihuyi.masking.MaskingReporter".', deploy=True)
def find_telling_mails() -> Iterator[str]:
    """Error mails show the values of variables, which may be numbers and codes."""
    for name, handler in django_settings.LOGGING.get("handlers", {}).items():
        reporter = handler.get("reporter_class") or django_settings.DEFAULT_EXCEPTION_REPORTER
        if handler.get("include_html") and not issubclass(import_string(reporter), MaskingReporter):
            yield f"The handler {name!r} of LOGGING has include_html on, and its reporter is {reporter}."


def _keys() -> Iterator[tuple[str, str | bytes]]:
    yield "SECRET_KEY", django_settings.SECRET_KEY
    for place, key in enumerate(django_settings.SECRET_KEY_FALLBACKS):
        yield f"SECRET_KEY_FALLBACKS[{place}]", key


def _limits(name: str) -> bool:
    """Return True if a setting has any rate."""
    return any(sound(name).values())
