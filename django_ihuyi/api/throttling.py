"""Limits on requests to the API: of one client address, of one user, and of all clients together.

The cache may only refuse earlier than the database's limits, never admit; while it is down, the send log is counted
instead. A request counts before its body is read, so that malformed ones cost no more than others. This is the only
module that asks django-ratelimit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings as django_settings
from django.db import router
from django.http import HttpRequest
from django_ratelimit.core import get_usage
from rest_framework.request import Request

from django_ihuyi.client_addresses import is_exempt_client, known_client_of, user_of
from django_ihuyi.conf import settings
from django_ihuyi.database.clock import DatabaseNow
from django_ihuyi.exceptions import LimitReached
from django_ihuyi.logs import get_logger
from django_ihuyi.models import Kind, Message
from django_ihuyi.models.messages import MessageQuerySet
from django_ihuyi.rates import Rate, parse_rate
from django_ihuyi.signals import limit_hit

#: Marks a request for which the cache has failed, so that it waits for the cache's time-out only once.
_DOWN = "ihuyi.cache_down"

logger = get_logger("django_ihuyi.api")


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeLimit:
    """Rates of CLIENT_LIMITS or GLOBAL_LIMITS that a request is counted by."""

    #: Part of the cache's key: each limit counts apart.
    name: str
    #: The problem that is answered.
    code: str
    rates: Sequence[Rate]
    #: The client, the user, or a constant for all.
    key: str
    #: The client's key for the signal `limit_hit`.
    client: str
    #: The filter of the messages to count while the cache is down; None if the send log does not know the key.
    sent: Mapping[str, str] | None

    def measure(self, request: HttpRequest, *, scope: str) -> int:
        """Count the request; return 0 if it is within all rates, else the seconds until the last full window ends."""
        wait = 0
        try:
            for rate in self.rates:
                # A request that is refused anyway must not use up the longer rates too.
                group = f"{scope}.{self.name}"
                wait = max(wait, count_in_cache(request, group=group, key=self.key, rate=rate, increment=not wait))
        except CacheDown as error:
            logger.warning("the cache does not count requests (%s): counting the send log instead", error)
            # Guesses have limits of their own in the database; only sends need another count.
            if scope != "send" or self.sent is None:
                return 0
            return max(_wait_for(_send_log().filter(**self.sent), rate) for rate in self.rates)
        return wait


def throttle_client(request: Request, *, scope: str) -> None:
    """Count a request by its client, and raise LimitReached if it is one too many. Its credentials are not read.

    Without rates for `scope` in the settings no request is counted, and the cache is not asked.
    """
    rates = _read_rates(settings.CLIENT_LIMITS, scope)
    if rates and not is_exempt_client(client := known_client_of(request)):
        sent = {"client": client}
        limit = EdgeLimit(name="client", code="client_limit", rates=rates, key=client, client=client, sent=sent)
        _count(request, limit, scope=scope)


def throttle(request: Request, *, scope: str) -> None:
    """Count a request by its user and for all, and raise LimitReached if it is one too many."""
    # Stops at the first limit that refuses, so that a user over its limit does not use up the global one.
    for limit in _find_limits(request, scope):
        _count(request, limit, scope=scope)


def _count(request: Request, limit: EdgeLimit, *, scope: str) -> None:
    if wait := limit.measure(request._request, scope=scope):
        limit_hit.send_robust(EdgeLimit, code=limit.code, retry_after=wait, phone="", client=limit.client, reason="")
        raise LimitReached(limit.code, retry_after=wait)


def _find_limits(request: Request, scope: str) -> Iterator[EdgeLimit]:
    rates, user = _read_rates(settings.CLIENT_LIMITS, scope), user_of(request)
    if rates and user and not is_exempt_client(client := known_client_of(request)):
        # From all addresses together. The send log has no users, so while the cache is down only addresses are limited.
        yield EdgeLimit(name="user", code="client_limit", rates=rates, key=user, client=client, sent=None)
    if rates := _read_rates(settings.GLOBAL_LIMITS, scope):
        yield EdgeLimit(name="all", code="global_limit", rates=rates, key="all", client="", sent={})


def _read_rates(limits: Mapping[str, Sequence[str]], scope: str) -> list[Rate]:
    return [parse_rate(text) for text in limits.get(scope, ())]


class CacheDown(Exception):
    """The cache did not count the request."""


def count_in_cache(request: HttpRequest, *, group: str, key: str, rate: Rate, increment: bool) -> int:
    """Return 0 if a request of `key` is within the rate, else the seconds until it may come back; raise CacheDown.

    Without `increment` the request is not counted. The windows are fixed ones, exact where the cache counts
    atomically: Redis and memcached.
    """
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
    # django-ratelimit's two signs that it counted nothing: None if RATELIMIT_FAIL_OPEN is set, else a negative time.
    if usage is None or usage["time_left"] < 0:
        request.META[_DOWN] = True
        raise CacheDown("not counted")
    is_full = usage["count"] >= rate.limit + increment
    # A window that ends now (always so for a period of a second) has 0 seconds left.
    return max(1, usage["time_left"]) if is_full else 0


def _send_log() -> MessageQuerySet:
    # Codes only: a notice is the host's own message, and ten thousand of them must not use up the callers' limits.
    return Message.objects.using(router.db_for_write(Message)).filter(kind=Kind.CODE)


def _wait_for(sent: MessageQuerySet, rate: Rate) -> int:
    """Return the seconds until a rate has room again, by a rolling window over the send log."""
    # Bounded by time: without it, the search for so many codes could go through years of notices.
    period = timedelta(seconds=rate.period)
    age = sent.filter(created_at__gt=DatabaseNow() - period).age_of_latest(rate.limit)
    return 0 if age is None else max(0, math.ceil((period - age).total_seconds()))
