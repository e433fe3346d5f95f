"""Findings about the site: Django's own settings, as far as codes and limits stand on them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.conf import settings as django_settings
from django.utils.encoding import force_bytes

from django_ihuyi.checks.findings import finding
from django_ihuyi.checks.names import sound

#: Bytes that a key for HMAC-SHA256 should have (RFC 2104, section 3).
KEY_LENGTH = 32
#: Caches that each process has for itself, or that lose counts when two processes count at once.
UNCOUNTABLE = ("locmem.LocMemCache", "dummy.DummyCache", "filebased.FileBasedCache", "db.DatabaseCache")


@finding("E027", hint="Make one with django.core.management.utils.get_random_secret_key(): every code hangs on it.")
def find_short_keys() -> Iterator[str]:
    """SECRET_KEY, or one of SECRET_KEY_FALLBACKS, is shorter than 32 bytes."""
    keys = {"SECRET_KEY": django_settings.SECRET_KEY} | {
        f"SECRET_KEY_FALLBACKS[{place}]": key for place, key in enumerate(django_settings.SECRET_KEY_FALLBACKS)
    }
    for name, key in keys.items():
        if len(force_bytes(key)) < KEY_LENGTH:
            yield f"{name} is shorter than {KEY_LENGTH} bytes."


@finding("E028", hint="Set USE_TZ to True, as Django does by default.")
def find_naive_times() -> Iterator[str]:
    """USE_TZ is off: lifetimes and limits would be wrong for an hour twice a year."""
    if not django_settings.USE_TZ:
        yield "USE_TZ is False."


@finding("E029", hint='Write origins as browsers do: "https://app.example.com", with a port only if it is unusual.')
def find_wrong_origins() -> Iterator[str]:
    """CROSS_SITE_ORIGINS holds something that no browser sends as Origin."""
    for origin in sound("CROSS_SITE_ORIGINS"):
        if not re.fullmatch(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|[a-z][a-z0-9+.-]*://[a-z0-9._-]+", origin):
            yield f"{origin!r} in IHUYI['CROSS_SITE_ORIGINS'] is no origin."


@finding("E030", hint='Write "sms.example.com", or "sms.example.com:8443" for another port than 443.')
def find_wrong_hosts() -> Iterator[str]:
    """PLATFORM_HOSTS holds something that is no host."""
    for host in sound("PLATFORM_HOSTS"):
        if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?", host):
            yield f"{host!r} in IHUYI['PLATFORM_HOSTS'] is no host."


@finding("W007", hint="Use Redis or memcached: the limits per client count in each process for itself.", deploy=True)
def find_uncountable_caches() -> Iterator[str]:
    """CLIENT_LIMITS or GLOBAL_LIMITS are counted in a cache that the site's processes do not share exactly."""
    alias = getattr(django_settings, "RATELIMIT_USE_CACHE", "default")
    backend = django_settings.CACHES.get(alias, {}).get("BACKEND", "")
    if backend.endswith(UNCOUNTABLE) and (any(sound("CLIENT_LIMITS").values()) or any(sound("GLOBAL_LIMITS").values())):
        yield f"CACHES[{alias!r}] is a {backend.rpartition('.')[2]}, which cannot count requests of all processes."


@finding("W008", hint="Set TRUSTED_PROXY_COUNT to the number of proxies that append to X-Forwarded-For.", deploy=True)
def find_uncounted_proxies() -> Iterator[str]:
    """Django is told of a proxy, and the limits are not: all clients would share the proxy's address."""
    is_proxied = django_settings.SECURE_PROXY_SSL_HEADER or django_settings.USE_X_FORWARDED_HOST
    if is_proxied and sound("TRUSTED_PROXY_COUNT") == 0 and any(sound("CLIENT_LIMITS").values()):
        yield "The site stands behind a proxy, and IHUYI['TRUSTED_PROXY_COUNT'] is 0."
