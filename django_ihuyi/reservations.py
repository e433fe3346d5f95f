"""Reserve a message: the limits decide, and what they admit is claimed and written in one committed transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from django.db import transaction

from django_ihuyi import races, signals
from django_ihuyi.conf import settings
from django_ihuyi.exceptions import LimitReached, SendingUnavailable
from django_ihuyi.limits import GuessBudget, Refusal, Rules, find_refusal
from django_ihuyi.models import Kind, Recipient, Standing, read_standing

T = TypeVar("T")


def reserve(
    phone: str,
    *,
    kind: Kind,
    purpose: str,
    channel: str,
    write: Callable[[Standing], T],
    using: str,
    verification_id: str | None = None,
) -> T:
    """Return what `write` wrote for a phone that a message may go to; `write` claims the recipient.

    Raises LimitReached, or SendingUnavailable when others were faster every time.
    """

    def attempt() -> T:
        standing = read_standing(phone, verification_id=verification_id, using=using)
        refusal = _find_refusal(standing, kind=kind, purpose=purpose, channel=channel)
        if refusal is not None:
            raise limit_reached(refusal, phone=phone)
        with transaction.atomic(using=using):
            return write(standing)

    try:
        return races.run(attempt, using=using)
    except races.TooBusy as error:
        raise SendingUnavailable(retry_after=1) from error


def limit_reached(refusal: Refusal, *, phone: str) -> LimitReached:
    """Tell the listeners of a refusal, and return the error to raise."""
    signals.limit_hit.send_robust(Recipient, code=refusal.code, retry_after=refusal.retry_after, phone=phone, client="")
    return LimitReached(refusal.code, retry_after=refusal.retry_after)


def _find_refusal(standing: Standing, *, kind: Kind, purpose: str, channel: str) -> Refusal | None:
    closed_until = GuessBudget.load(standing.recipient.guesses, purpose).closed_until(standing.now)
    if closed_until:  # a code that may not be tried costs money for nothing
        return Refusal.until(closed_until, code="guess_limit", now=standing.now)
    return find_refusal(standing, purpose=purpose, kind=kind, channel=channel, rules=_rules())


def _rules() -> Rules:
    return Rules(
        resend_interval=timedelta(seconds=settings.RESEND_INTERVAL),
        messages=settings.NUMBER_LIMITS["messages"],
        codes=settings.NUMBER_LIMITS["codes"],
    )
