"""Refuse early and cheaply: by client address, by user, and all together.

The cache may only refuse earlier than the database's limits, never admit; where it fails, the send log is counted
instead. A request counts before its body is read, so that malformed ones cost no more than others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta

from django.db import router
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from django_ihuyi.api import rates
from django_ihuyi.api.clients import client_of, known_client_of, user_of
from django_ihuyi.conf import settings
from django_ihuyi.database.clock import DatabaseNow
from django_ihuyi.guards import exemptions
from django_ihuyi.logs import get_logger
from django_ihuyi.models import Kind, Message
from django_ihuyi.models.messages import MessageQuerySet
from django_ihuyi.signals import limit_hit

logger = get_logger("django_ihuyi.api")


class EdgeThrottle(BaseThrottle):
    """DRF's throttle protocol over the rates of a setting; `view.throttle_scope` is the key in that setting.

    Without rates nothing is counted, and nobody asked. `wait()` answers when the last full window ends.
    """

    #: The problem that is answered.
    code = "client_limit"
    #: What is counted apart.
    name = ""

    def __init__(self) -> None:
        self.retry_after = 0

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Count the request; False if it is one too many."""
        scope: str = getattr(view, "throttle_scope", "")
        wanted = [rates.parse_rate(rate) for rate in self.find_rates(scope)]
        key = self.find_key(request) if wanted else None
        if key is None:
            return True
        self.retry_after = self._measure(request, scope=scope, key=key, wanted=wanted)
        if self.retry_after:
            client = self.find_client(request)
            limit_hit.send_robust(
                type(self), code=self.code, retry_after=self.retry_after, phone="", client=client, reason=""
            )
        return not self.retry_after

    def wait(self) -> int:
        """Return the seconds after which a refused request may come back."""
        return self.retry_after

    def find_rates(self, scope: str) -> Sequence[str]:
        """Return the rates that the settings name for `scope`."""
        return settings.CLIENT_LIMITS.get(scope, ())

    def find_key(self, request: Request) -> str | None:
        """Return what is counted by, None if this throttle has nothing to say about the request."""
        raise NotImplementedError

    def find_client(self, request: Request) -> str:
        """Return the address that a refusal is about."""
        return client_of(request)

    def find_sent(self, key: str) -> MessageQuerySet | None:
        """Return the messages that are counted while the cache is down, None if none of them tells."""
        return None

    def _measure(self, request: Request, *, scope: str, key: str, wanted: Sequence[rates.Rate]) -> int:
        try:
            return _count(request, group=f"{scope}.{self.name}", key=key, wanted=wanted)
        except rates.CacheDown as error:
            logger.warning("the cache does not count requests (%s): counting the send log instead", error)
        # Guesses have their own limits in the database; only sends need another count.
        sent = self.find_sent(key) if scope == "send" else None
        return 0 if sent is None else _count_sent(sent, wanted)


class ClientThrottle(EdgeThrottle):
    """CLIENT_LIMITS for each client address."""

    name = "client"

    def find_key(self, request: Request) -> str | None:
        """Return the client's address; raises ImproperlyConfigured rather than count all clients as one."""
        client = known_client_of(request)
        return None if exemptions.is_exempt_client(client) else client

    def find_sent(self, key: str) -> MessageQuerySet:
        return _send_log().filter(client=key)


class UserThrottle(EdgeThrottle):
    """CLIENT_LIMITS for each user who is logged in, from however many addresses.

    While the cache is down it says nothing, for the send log knows no users; their addresses are limited all the same.
    """

    name = "user"

    def find_key(self, request: Request) -> str | None:
        return None if exemptions.is_exempt_client(client_of(request)) else user_of(request) or None


class GlobalThrottle(EdgeThrottle):
    """GLOBAL_LIMITS for all clients together."""

    code = "global_limit"
    name = "all"

    def find_rates(self, scope: str) -> Sequence[str]:
        return settings.GLOBAL_LIMITS.get(scope, ())

    def find_key(self, request: Request) -> str:
        return "all"

    def find_client(self, request: Request) -> str:
        return ""

    def find_sent(self, key: str) -> MessageQuerySet:
        return _send_log()


def _count(request: Request, *, group: str, key: str, wanted: Sequence[rates.Rate]) -> int:
    wait = 0
    for rate in wanted:
        # What is refused anyway shall not use up the longer rates too.
        ask = rates.look if wait else rates.use
        wait = max(wait, ask(request._request, group=group, key=key, rate=rate))
    return wait


def _send_log() -> MessageQuerySet:
    # A notice is no request of anybody, and ten thousand of them shall not shut the door to codes.
    return Message.objects.using(router.db_for_write(Message)).filter(kind=Kind.CODE)


def _count_sent(sent: MessageQuerySet, wanted: Sequence[rates.Rate]) -> int:
    """Return the seconds until all rates have room again, by a rolling window over the send log."""
    return max(_wait_for(sent, rate) for rate in wanted)


def _wait_for(sent: MessageQuerySet, rate: rates.Rate) -> int:
    # Without a beginning, the search for so many codes could go through years of notices.
    period = timedelta(seconds=rate.period)
    age = sent.filter(created_at__gt=DatabaseNow() - period).age_of_latest(rate.limit)
    return 0 if age is None else max(0, math.ceil((period - age).total_seconds()))
