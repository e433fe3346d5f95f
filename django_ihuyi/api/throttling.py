"""Limits on requests to the API: of one client address, and of one user.

A request counts before its body is read, so that malformed ones cost no more than others. Therefore no limit here is
shared by all clients: requests that cost nothing could spend it (`guards/ceiling.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rest_framework.request import Request

from django_ihuyi.client_addresses import is_exempt_client, known_client_of, user_of
from django_ihuyi.conf import settings
from django_ihuyi.exceptions import LimitReached
from django_ihuyi.guards.budgets.rules import read_send_rates
from django_ihuyi.guards.cached_rates import measure
from django_ihuyi.rates import Rate, parse_rate
from django_ihuyi.signals import limit_hit


def throttle_client(request: Request, *, scope: str) -> None:
    """Count a request of its client, and raise LimitReached if it is one too many.

    Without rates for `scope` in the settings no request is counted, and the cache is not asked.
    """
    rates = _read_rates(scope, budget="client")
    if rates and not is_exempt_client(client := known_client_of(request)):
        # Guesses have limits of their own in the database, so only sends need another count while the cache is down.
        sent = {"client": client} if scope == "send" else None
        _count(rates, group=f"{scope}.client", key=client, client=client, sent=sent)


def throttle_user(request: Request, *, scope: str) -> None:
    """Count a request of its user, from all addresses together, and raise LimitReached if it is one too many."""
    rates, user = _read_rates(scope, budget="user"), user_of(request)
    if rates and user and not is_exempt_client(client := known_client_of(request)):
        # The send log has no users, so while the cache is down only addresses are limited.
        _count(rates, group=f"{scope}.user", key=user, client=client, sent=None)


def _read_rates(scope: str, *, budget: str) -> Sequence[Rate]:
    limits = settings.CLIENT_LIMITS
    if scope == "send":
        return read_send_rates(limits, budget)
    return [parse_rate(text) for text in limits.get(scope) or ()]


def _count(rates: Sequence[Rate], *, group: str, key: str, client: str, sent: Mapping[str, str] | None) -> None:
    if wait := measure(rates, group=group, key=key, sent=sent):
        code = "client_limit"
        limit_hit.send_robust(measure, code=code, retry_after=wait, phone="", client=client, reason="")
        raise LimitReached(code, retry_after=wait)
