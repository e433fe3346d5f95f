"""get_status: the state of a verification, for a page that was reloaded or a mini-program that was suspended."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.db import router
from django.views.decorators.debug import sensitive_variables

from django_ihuyi.conf import settings
from django_ihuyi.delivery import receipts
from django_ihuyi.delivery.reservation import rules_of
from django_ihuyi.limits import Rules, find_refusal
from django_ihuyi.models import Kind, Message, State, Verification
from django_ihuyi.models.messages import LEASE
from django_ihuyi.models.sql.snapshot import Snapshot, read_verification
from django_ihuyi.phones import fixed_codes

_DELIVERY = {
    State.QUEUED: "pending",
    State.SENDING: "pending",
    State.SUBMITTED: "pending",
    State.DELIVERED: "delivered",
    State.UNDELIVERED: "failed",
    State.REFUSED: "failed",
    State.UNSENT: "failed",
    State.UNKNOWN: "unknown",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The state of a verification; durations are whole seconds from now. `phone` is masked after it was erased."""

    state: str
    delivery: str
    phone: str = field(repr=False)
    purpose: str
    expires_in: int
    resend_in: int
    attempts_left: int


@sensitive_variables()
def get_status(verification_id: str, *, using: str | None = None) -> Status | None:
    """Return the state of a verification, or None for an unknown id."""
    database = using or router.db_for_write(Verification)
    snapshot = read_verification(verification_id, using=database)
    if snapshot is None:
        return None
    verification, now = snapshot.verification, snapshot.now
    last = Message.objects.using(database).filter(verification=verification).order_by("-id").first()
    rules = rules_of(verification.purpose)
    # A decoy sends nothing: for a purpose with a policy no answer may depend on the message.
    shows_delivery = last is not None and not rules.prevents_enumeration
    if last and shows_delivery and receipts.settle_unmatched_of(last, using=database):
        last.refresh_from_db(using=database)  # its receipt came before the answer to the call
    return Status(
        state=_state(verification, now),
        delivery=_delivery(last, now) if last and shows_delivery else "pending",
        phone=verification.phone or verification.recipient.mask,
        purpose=verification.purpose,
        expires_in=max(0, int((verification.expires_at - now).total_seconds())) if verification.seed else 0,
        resend_in=_resend_in(last, verification, now, rules),
        attempts_left=max(0, settings.MAX_ATTEMPTS - verification.attempts),
    )


def _delivery(last: Message, now: datetime) -> str:
    if last.fault == fixed_codes.FAULT:
        return "pending"  # no message will come, and none is needed
    if last.state == State.SENDING and last.started_at + LEASE <= now:
        return "unknown"  # its worker has died, and recovery has not written it yet
    if last.is_overdue(now):
        return "failed"
    return _DELIVERY[State(last.state)]


def _state(verification: Verification, now: datetime) -> str:
    if verification.verified_at:
        return "verified"
    if verification.attempts >= settings.MAX_ATTEMPTS:
        return "exhausted"
    if verification.is_live(now, max_attempts=settings.MAX_ATTEMPTS):
        return "pending"
    return "expired"


def _resend_in(last: Message | None, verification: Verification, now: datetime, rules: Rules) -> int:
    """Return the `retry_after` that a resend would get now from the last message and the platform's limits."""
    messages = [last] if last else []
    snapshot = Snapshot(now=now, recipient=verification.recipient, verification=verification, messages=messages)
    refusal = find_refusal(snapshot, purpose=verification.purpose, kind=Kind.CODE, rules=rules)
    return refusal.retry_after if refusal else 0
