"""Rates that are counted in the cache, exactly where it counts atomically: Redis and memcached.

The cache may only refuse earlier than the limits in the database, never admit. While it is down, the send log is
counted instead. This is the only module that asks django-ratelimit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta

from django.conf import settings as django_settings
from django.db import router
from django_ratelimit.core import get_usage

from django_ihuyi.database.clock import DatabaseNow
from django_ihuyi.logs import get_logger
from django_ihuyi.models import Kind, Message
from django_ihuyi.models.messages import MessageQuerySet
from django_ihuyi.rates import Rate

#: Whether the cache has failed for the present API request; None outside of one.
_has_failed: ContextVar[bool | None] = ContextVar("ihuyi_cache_has_failed", default=None)

# The name is promised (docs/howto/deploy.md): hosts have alarms on this logger.
logger = get_logger("django_ihuyi.api")


class CacheDown(Exception):
    """The cache did not count the request."""


@contextmanager
def api_request() -> Iterator[None]:
    """Answer an API request in the body. If the cache fails there, it is not asked again: one time-out is enough."""
    token = _has_failed.set(False)
    try:
        yield
    finally:
        _has_failed.reset(token)


def is_api_request() -> bool:
    """Return True in the body of `api_request`."""
    return _has_failed.get() is not None


def measure(rates: Sequence[Rate], *, group: str, key: str, sent: Mapping[str, str] | None) -> int:
    """Count one request of `key`; return 0 if it is within all rates, else the seconds until the last full window ends.

    While the cache is down, the codes in the send log that match the filter `sent` are counted, in rolling windows.
    Without `sent` nothing is counted then.
    """
    wait = 0
    try:
        for rate in rates:
            # A request that is refused anyway must not use up the longer rates too.
            wait = max(wait, count_in_cache(group=group, key=key, rate=rate, increment=not wait))
    except CacheDown as error:
        logger.warning("the cache does not count requests (%s): counting the send log instead", error)
        if sent is None:
            return 0
        return max(_wait_for(_send_log().filter(**sent), rate) for rate in rates)
    return wait


def count_in_cache(*, group: str, key: str, rate: Rate, increment: bool) -> int:
    """Return 0 if a request of `key` is within the rate, else the seconds until it may come back; raise CacheDown.

    Without `increment` the request is not counted. The windows are fixed ones.
    """
    if not getattr(django_settings, "RATELIMIT_ENABLE", True):
        return 0
    if _has_failed.get():
        raise CacheDown("still")
    try:
        usage = get_usage(
            None,
            group=f"ihuyi.{group}",
            key=lambda _group, _request: f"|{key}|",  # django-ratelimit joins the parts without any separator
            rate=(rate.limit, rate.period),
            increment=increment,
        )
    except Exception as error:  # every cache backend raises those of its own library
        raise _cache_down(type(error).__name__) from error
    # django-ratelimit's two signs that it counted nothing: None if RATELIMIT_FAIL_OPEN is set, else a negative time.
    if usage is None or usage["time_left"] < 0:
        raise _cache_down("not counted")
    is_full = usage["count"] >= rate.limit + increment
    # A window that ends now (always so for a period of a second) has 0 seconds left.
    return max(1, usage["time_left"]) if is_full else 0


def _cache_down(reason: str) -> CacheDown:
    if is_api_request():
        _has_failed.set(True)
    return CacheDown(reason)


def _send_log() -> MessageQuerySet:
    # Codes only: a notice is the host's own message, and ten thousand of them must not use up the callers' limits.
    return Message.objects.using(router.db_for_write(Message)).filter(kind=Kind.CODE)


def _wait_for(sent: MessageQuerySet, rate: Rate) -> int:
    """Return the seconds until a rate has room again, by a rolling window over the send log."""
    # Bounded by time: without it, the search for so many codes could go through years of notices.
    period = timedelta(seconds=rate.period)
    age = sent.filter(created_at__gt=DatabaseNow() - period).age_of_latest(rate.limit)
    return 0 if age is None else max(0, math.ceil((period - age).total_seconds()))
