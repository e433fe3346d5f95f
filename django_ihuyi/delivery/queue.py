"""A queued message: one worker takes it and calls the platform, or it is withdrawn."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured

from django_ihuyi.database import transactions
from django_ihuyi.delivery.admission.permit import acquire_permit
from django_ihuyi.delivery.call import deliver, prepare
from django_ihuyi.delivery.dispatchers.base import MAX_HOLD
from django_ihuyi.delivery.outcomes import withdraw
from django_ihuyi.exceptions import SendingUnavailable
from django_ihuyi.limits import CALL_DEADLINE, PACE, find_wait
from django_ihuyi.logs import get_logger
from django_ihuyi.models import Kind, Message, State
from django_ihuyi.models.sql.claim import take_claimed
from django_ihuyi.models.sql.snapshot import Snapshot, read_snapshot
from django_ihuyi.phones import fixed_codes

logger = get_logger("django_ihuyi.queued")

#: Seconds after which another call to the same number has certainly ended: a longer wait is a pause that the platform
#: asked for. PACE counts twice, because a message may be taken some time after its snapshot was read.
LONGEST_WAIT = (CALL_DEADLINE + PACE + PACE).total_seconds()
#: Seconds between two attempts while another worker calls the number.
POLL_INTERVAL = 0.25
#: Most seconds until the next attempt: another worker may reach the platform, and a code is soon too old.
_RETRY_AFTER = {Kind.CODE.value: MAX_HOLD, Kind.NOTICE.value: 30.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decision:
    """Whether a queued message may be sent: now (it has a snapshot), later (it has a wait), or not at all."""

    #: The snapshot of the number, and the time when it was read, by `time.monotonic`.
    snapshot: Snapshot | None = None
    read_at: float = 0.0
    #: Seconds to wait.
    wait: float = 0.0

    @property
    def is_stale(self) -> bool:
        """Return True if settings or opt-out may have changed since: unlike the limits, no claim protects them."""
        return time.monotonic() - self.read_at > POLL_INTERVAL


_DONE = _Decision()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred:
    """A message that must wait: its worker puts it back into the queue, to be run `seconds` from now."""

    message: Message
    seconds: float


def find_and_deliver(message_id: int, *, using: str) -> Deferred | None:
    """Deliver the queued message of this id, once, however many workers call this, and how often.

    Returns the message if it must wait for longer than a worker holds it.
    """
    message = Message.objects.using(using).select_related("recipient").filter(pk=message_id).first()
    if message is None:  # its transaction was rolled back, or it was purged
        return None
    until = time.monotonic() + MAX_HOLD
    return deliver_queued(message, using=using, is_stopped=lambda: time.monotonic() > until)


def deliver_queued(
    message: Message, *, using: str, is_patient: bool = True, is_stopped: Callable[[], bool] = lambda: False
) -> Deferred | None:
    """Take a message out of the queue and deliver it; do nothing if another worker has taken it.

    A message that may no longer be sent becomes `unsent`, and its claim is given back. While another message is on its
    way to the number, this one waits. Returns the message if it still waits and `is_stopped` returns True. If the
    platform may not be called for a while, returns the message, or makes it `unsent` unless `is_patient`.
    """
    try:
        # A call of `_attempt` that loses the race for the number's row is repeated, with a new snapshot.
        while wait := transactions.retry(lambda: _attempt(message, using=using, is_patient=is_patient), using=using):
            if wait > MAX_HOLD:
                return Deferred(message=message, seconds=min(wait, _RETRY_AFTER[message.kind]))
            if is_stopped():
                return Deferred(message=message, seconds=0)
            time.sleep(wait)
    except transactions.Contended:
        withdraw(message, fault="busy", using=using)
    return None


def _attempt(message: Message, *, using: str, is_patient: bool) -> float:
    """Deliver the message if it may be sent now. Return the seconds until the next attempt, 0 if there is none."""
    # Before the permit is taken: a message that is too old needs none, and a slot is for calls only.
    decision = _examine(message, using=using)
    if decision.snapshot is None:
        return min(decision.wait, POLL_INTERVAL)
    with ExitStack() as stack:
        try:
            stack.enter_context(acquire_permit(message.channel, patience=MAX_HOLD if is_patient else 0))
        except SendingUnavailable as refusal:
            if is_patient:
                # A short wait for a slot; a longer one only while the circuit breaker is open.
                return refusal.retry_after if refusal.retry_after > MAX_HOLD else POLL_INTERVAL
            withdraw(message, fault="not_called", using=using)
            return 0
        if decision.is_stale:  # the wait for the permit was long
            decision = _examine(message, using=using)
        if decision.snapshot is not None:
            _take_and_deliver(message, decision.snapshot, read_at=decision.read_at, using=using)
    return min(decision.wait, POLL_INTERVAL)


def _examine(message: Message, *, using: str) -> _Decision:
    read_at = time.monotonic()
    snapshot = read_snapshot(message.phone, verification_id=message.verification_id, using=using)
    # The snapshot has the messages of the last day: a message that is not among them was purged, and is not sent.
    states = {read.pk: read.state for read in snapshot.messages}
    message.state = states.get(message.pk, State.UNKNOWN)
    if message.state != State.QUEUED:
        return _DONE
    wait = find_wait(snapshot, kind=message.kind).total_seconds()
    if fault := _find_fault(message, snapshot, wait=wait):
        withdraw(message, fault=fault, using=using)
        return _DONE
    return _Decision(wait=wait) if wait else _Decision(snapshot=snapshot, read_at=read_at)


def _take_and_deliver(message: Message, snapshot: Snapshot, *, read_at: float, using: str) -> None:
    """Take the message, claim its recipient as a send does, and deliver. Raises StaleRow.

    The claim keeps other messages to the number from leaving meanwhile.
    """
    message.recipient, message.verification = snapshot.recipient, snapshot.verification
    try:
        prepare(message)  # before it is taken: after a later failure, recovery must assume that it may have left
    except (KeyError, ValueError, ImproperlyConfigured) as error:
        # Without the traceback: an error reporter would store the code, which its frames hold.
        words = "message %d on %s cannot be sent with these settings: %s: %s"
        logger.error(words, message.pk, message.channel, type(error).__name__, error)
        withdraw(message, fault="not_configured", using=using)
        return
    take_claimed(message, snapshot.recipient, using=using)
    message.state = State.SENDING
    asked_at = read_at - (snapshot.now - message.created_at).total_seconds()
    deliver(message, using=using, asked_at=asked_at, taken_at=read_at)


def _find_fault(message: Message, snapshot: Snapshot, *, wait: float) -> str | None:
    if message.is_overdue(snapshot.now):
        return "too_old"
    if fixed_codes.find(message.phone):
        return fixed_codes.FAULT
    if message.kind == Kind.CODE and not (snapshot.verification and snapshot.verification.code):
        return "ended"
    if message.channel == "marketing" and snapshot.is_opted_out:
        return "opted_out"
    return "paused" if wait > LONGEST_WAIT else None
