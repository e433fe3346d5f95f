"""How much of a rate a caller has used up: the one place that asks django-ratelimit."""

from __future__ import annotations

from django.conf import settings as django_settings
from django.http import HttpRequest
from django_ratelimit.core import get_usage

from django_ihuyi.rates import Rate, parse_rate

__all__ = ["CacheDown", "Rate", "look", "parse_rate", "use"]

#: Marks a request for which the cache has failed, so that it waits for the cache's time-out once only.
_DOWN = "ihuyi.cache_down"


class CacheDown(Exception):
    """The cache did not count; somebody else must."""


def use(request: HttpRequest, *, group: str, key: str, rate: Rate) -> int:
    """Count one request of `key`; return 0 if it is within the rate, else the seconds until it may come back.

    The windows are fixed ones, exact where the cache counts atomically: Redis and memcached. Raises CacheDown.
    """
    return _ask(request, group=group, key=key, rate=rate, increment=True)


def look(request: HttpRequest, *, group: str, key: str, rate: Rate) -> int:
    """Return what `use` would, without counting."""
    return _ask(request, group=group, key=key, rate=rate, increment=False)


def _ask(request: HttpRequest, *, group: str, key: str, rate: Rate, increment: bool) -> int:
    if not getattr(django_settings, "RATELIMIT_ENABLE", True):
        return 0
    if request.META.get(_DOWN):
        raise CacheDown("still")
    try:
        usage = get_usage(
            request,
            group=f"ihuyi.{group}",
            key=lambda group, request: f"|{key}|",  # django-ratelimit joins the parts without any separator
            rate=(rate.limit, rate.period),
            increment=increment,
        )
    except Exception as error:  # every cache backend raises those of its own library
        request.META[_DOWN] = True
        raise CacheDown(type(error).__name__) from error
    # Two ways to say that nothing was counted: RATELIMIT_FAIL_OPEN asks for the first.
    if usage is None or usage["time_left"] < 0:
        request.META[_DOWN] = True
        raise CacheDown("not counted")
    is_full = usage["count"] >= rate.limit + increment
    # A window that ends now (always so for a period of a second) has 0 seconds left.
    return max(1, usage["time_left"]) if is_full else 0
