"""get_status: how far a verification is, for a page that reloads or a mini-program that slept."""

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
from django_ihuyi.models.verifications import parse_id
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
    """How far a verification is; durations are whole seconds from now. An old one has its phone masked."""

    state: str
    delivery: str
    phone: str = field(repr=False)
    purpose: str
    expires_in: int
    resend_in: int
    attempts_left: int


@sensitive_variables()
def get_status(verification_id: str, *, using: str | None = None) -> Status | None:
    """Return how far a verification is, None for an id that is none."""
    named = parse_id(verification_id)
    database = using or router.db_for_write(Verification)
    snapshot = read_verification(named, using=database) if named else None
    if snapshot is None:
        return None
    verification, now = snapshot.verification, snapshot.now
    last = Message.objects.using(database).filter(verification=verification).order_by("-id").first()
    rules = rules_of(verification.purpose)
    is_told = last is not None and not rules.prevents_enumeration
    if last and is_told and receipts.settle_unmatched_of(last, using=database):
        last.refresh_from_db(using=database)  # its receipt overtook the answer to the call
    return Status(
        state=_state(verification, now),
        delivery=_delivery(last, now) if last and is_told else "pending",
        phone=verification.phone or verification.recipient.mask,
        purpose=verification.purpose,
        expires_in=_seconds_until(verification.expires_at, now) if verification.seed else 0,
        resend_in=_resend_in(last, verification, now, rules),
        attempts_left=max(0, settings.MAX_ATTEMPTS - verification.attempts),
    )


def _delivery(last: Message, now: datetime) -> str:
    if last.fault == fixed_codes.FAULT:
        return "pending"  # nothing will come, and nothing need
    if last.state == State.SENDING and last.started_at + LEASE <= now:
        return "unknown"  # whoever was sending it has died
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
    """Return what a resend would be told now, as far as it hangs on the last message and on the platform."""
    messages = [last] if last else []
    snapshot = Snapshot(now=now, recipient=verification.recipient, verification=verification, messages=messages)
    refusal = find_refusal(snapshot, purpose=verification.purpose, kind=Kind.CODE, rules=rules)
    return refusal.retry_after if refusal else 0


def _seconds_until(moment: datetime, now: datetime) -> int:
    return max(0, int((moment - now).total_seconds()))
