"""Throttles of the API: requests of one client address, of one user, and of all clients together.

The cache may only refuse earlier than the database's limits, never admit; while it is down, the send log is counted
instead. A request counts before its body is read, so that malformed ones cost no more than others. This is the only
module that asks django-ratelimit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings as django_settings
from django.db import router
from django.http import HttpRequest
from django_ratelimit.core import get_usage
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from django_ihuyi.client_addresses import client_of, is_exempt_client, known_client_of, user_of
from django_ihuyi.conf import settings
from django_ihuyi.database.clock import DatabaseNow
from django_ihuyi.logs import get_logger
from django_ihuyi.models import Kind, Message
from django_ihuyi.models.messages import MessageQuerySet
from django_ihuyi.rates import Rate, parse_rate
from django_ihuyi.signals import limit_hit

#: Marks a request for which the cache has failed, so that it waits for the cache's time-out only once.
_DOWN = "ihuyi.cache_down"

logger = get_logger("django_ihuyi.api")


class EdgeThrottle(BaseThrottle):
    """DRF's throttle protocol over the rates of a setting; `view.throttle_scope` is the key in that setting.

    Without rates no request is counted, and the cache is not asked.
    """

    #: The setting that holds the rates.
    setting = "CLIENT_LIMITS"
    #: The problem that is answered.
    code = "client_limit"
    #: Part of the cache's key: each throttle counts apart.
    name = ""

    def __init__(self) -> None:
        self.retry_after = 0

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Count the request; return False if it is one too many."""
        scope: str = getattr(view, "throttle_scope", "")
        rates = [parse_rate(rate) for rate in getattr(settings, self.setting).get(scope, ())]
        key = self.find_key(request) if rates else None
        if key is None:
            return True
        self.retry_after = self._measure(request, scope=scope, key=key, rates=rates)
        if self.retry_after:
            client = self.find_client(request)
            limit_hit.send_robust(
                type(self), code=self.code, retry_after=self.retry_after, phone="", client=client, reason=""
            )
        return not self.retry_after

    def wait(self) -> int:
        """Return the seconds until the last full window ends, after which a refused request may come back."""
        return self.retry_after

    def find_key(self, request: Request) -> str | None:
        """Return the key that the request is counted by, or None if this throttle does not count it."""
        raise NotImplementedError

    def find_client(self, request: Request) -> str:
        """Return the client's key for the signal `limit_hit`."""
        return client_of(request)

    def find_sent(self, key: str) -> MessageQuerySet | None:
        """Return the messages to count while the cache is down, or None if the send log does not know the key."""
        return None

    def _measure(self, request: Request, *, scope: str, key: str, rates: Sequence[Rate]) -> int:
        wait = 0
        try:
            for rate in rates:
                # A request that is refused anyway must not use up the longer rates too.
                used = count_in_cache(
                    request._request, group=f"{scope}.{self.name}", key=key, rate=rate, increment=not wait
                )
                wait = max(wait, used)
        except CacheDown as error:
            logger.warning("the cache does not count requests (%s): counting the send log instead", error)
            # Guesses have limits of their own in the database; only sends need another count.
            sent = self.find_sent(key) if scope == "send" else None
            return 0 if sent is None else max(_wait_for(sent, rate) for rate in rates)
        return wait


class ClientThrottle(EdgeThrottle):
    """CLIENT_LIMITS for each client address."""

    name = "client"

    def find_key(self, request: Request) -> str | None:
        """Return the client's key; raise ImproperlyConfigured rather than count all clients as one."""
        client = known_client_of(request)
        return None if is_exempt_client(client) else client

    def find_sent(self, key: str) -> MessageQuerySet:
        return _send_log().filter(client=key)


class UserThrottle(EdgeThrottle):
    """CLIENT_LIMITS for each logged-in user, from however many addresses.

    While the cache is down it admits all, because the send log has no users; their addresses are still limited.
    """

    name = "user"

    def find_key(self, request: Request) -> str | None:
        return None if is_exempt_client(client_of(request)) else user_of(request) or None


class GlobalThrottle(EdgeThrottle):
    """GLOBAL_LIMITS for all clients together."""

    setting = "GLOBAL_LIMITS"
    code = "global_limit"
    name = "all"

    def find_key(self, request: Request) -> str:
        return "all"

    def find_client(self, request: Request) -> str:
        return ""

    def find_sent(self, key: str) -> MessageQuerySet:
        return _send_log()


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
