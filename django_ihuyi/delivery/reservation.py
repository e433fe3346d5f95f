"""Reserve a message: the limits decide, and an admitted message is written with its claim in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from django_ihuyi import signals
from django_ihuyi.conf import settings
from django_ihuyi.database import transactions
from django_ihuyi.delivery.routing import Route, prevents_enumeration
from django_ihuyi.exceptions import LimitReached, SendingUnavailable
from django_ihuyi.limits import GuessBudget, Refusal, Rules, find_refusal
from django_ihuyi.models import Kind, Message, Recipient
from django_ihuyi.models.sql.claim import write_claimed
from django_ihuyi.models.sql.snapshot import Snapshot, read_snapshot
from django_ihuyi.phones import fixed_codes


class Write(Protocol):
    """Write a message with its claim; raise StaleRow if its recipient has changed since it was read."""

    def __call__(self, message: Message, *, using: str) -> None: ...


def reserve(
    phone: str,
    *,
    kind: Kind,
    purpose: str,
    channel: str,
    route: Route,
    draft: Callable[[Snapshot], Message],
    using: str,
    verification_id: str | None = None,
    is_marked: bool = False,
    admit: Callable[[], None] | None = None,
    write: Write = write_claimed,
) -> Message:
    """Write the message that `draft` makes from the phone's snapshot, if the limits admit it, and return it.

    `is_marked` says whose wrong guesses can refuse it: those of clients with a device mark, or those of all others.
    `admit` is called before each attempt to write a message that leaves; it may raise.

    Raises LimitReached, and SendingUnavailable if at every attempt another message to the phone was written first.
    """

    def attempt() -> Message:
        snapshot = read_snapshot(phone, verification_id=verification_id, using=using)
        refusal = _find_refusal(snapshot, kind=kind, purpose=purpose, channel=channel, is_marked=is_marked)
        if refusal is not None:
            raise limit_reached(refusal, phone=phone)
        message = draft(snapshot)
        message.state = route.first_state
        if route is Route.WITHHELD:  # written with its final state: it never leaves, and no limit counts it
            fixed = fixed_codes.find(phone)
            message.counted, message.finished_at = False, message.created_at
            message.fault, message.result_text = fixed_codes.FAULT, fixed.name[:200] if fixed else ""
        elif admit:
            admit()
        write(message, using=using)
        return message

    try:
        return transactions.retry(attempt, using=using)
    except transactions.Contended as error:
        raise SendingUnavailable(retry_after=1) from error


def limit_reached(refusal: Refusal, *, phone: str) -> LimitReached:
    """Send the signal `limit_hit` for a refusal, and return the error to raise."""
    signals.limit_hit.send_robust(
        Recipient, code=refusal.code, retry_after=refusal.retry_after, phone=phone, client="", reason=""
    )
    return LimitReached(refusal.code, retry_after=refusal.retry_after)


def _find_refusal(snapshot: Snapshot, *, kind: Kind, purpose: str, channel: str, is_marked: bool) -> Refusal | None:
    # While guesses are locked out, a code would cost money and could not be verified.
    budgets = [GuessBudget.load(row, purpose, is_marked=is_marked) for row in snapshot.recipients]
    if closed_until := max(filter(None, (budget.closed_until(snapshot.now) for budget in budgets)), default=None):
        return Refusal.until(closed_until, code="guess_limit", now=snapshot.now)
    return find_refusal(snapshot, purpose=purpose, kind=kind, channel=channel, rules=rules_of(purpose))


def rules_of(purpose: str) -> Rules:
    """Return the limits of messages of a purpose."""
    return Rules(
        resend_interval=timedelta(seconds=settings.RESEND_INTERVAL),
        messages=settings.NUMBER_LIMITS["messages"],
        codes=settings.NUMBER_LIMITS["codes"],
        prevents_enumeration=prevents_enumeration(purpose),
    )
