"""get_status: how far a verification is, for a page that reloads or a mini-program that slept."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import router

from django_ihuyi.conf import settings
from django_ihuyi.limits import LEASE
from django_ihuyi.models import Message, State, Verification, read_verification
from django_ihuyi.verification.identity import parse_id

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
    """How far a verification is; durations are whole seconds from now."""

    state: str
    delivery: str
    phone: str = field(repr=False)
    purpose: str
    expires_in: int
    resend_in: int
    attempts_left: int


def get_status(verification_id: str, *, using: str | None = None) -> Status | None:
    """Return how far a verification is, None for an id that is none."""
    named = parse_id(verification_id)
    database = using or router.db_for_write(Verification)
    standing = read_verification(named, using=database) if named else None
    if standing is None:
        return None
    verification, now = standing.verification, standing.now
    last = Message.objects.using(database).filter(verification=verification).order_by("-id").first()
    return Status(
        state=_state(verification, now),
        delivery=_delivery(last, now),
        phone=verification.phone,
        purpose=verification.purpose,
        expires_in=_seconds_until(verification.expires_at, now) if verification.seed else 0,
        resend_in=_resend_in(last, now),
        attempts_left=max(0, settings.MAX_ATTEMPTS - verification.attempts),
    )


def _delivery(last: Message | None, now: datetime) -> str:
    if last is None:
        return "pending"
    if last.state in (State.QUEUED, State.SENDING) and last.created_at + LEASE <= now:
        return "unknown"  # whoever was sending it has died
    return _DELIVERY[State(last.state)]


def _state(verification: Verification, now: datetime) -> str:
    if verification.verified_at:
        return "verified"
    if verification.attempts >= settings.MAX_ATTEMPTS:
        return "exhausted"
    if verification.is_live(now, max_attempts=settings.MAX_ATTEMPTS):
        return "pending"
    return "expired"


def _resend_in(last: Message | None, now: datetime) -> int:
    if last is None or not last.counted:
        return 0
    return _seconds_until(last.created_at + timedelta(seconds=settings.RESEND_INTERVAL), now)


def _seconds_until(moment: datetime, now: datetime) -> int:
    return max(0, int((moment - now).total_seconds()))
