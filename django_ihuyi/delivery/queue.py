"""A queued message: one worker takes it and calls the platform, or it is withdrawn unsent."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured

from django_ihuyi.database import transactions
from django_ihuyi.delivery.admission.permit import acquire_permit
from django_ihuyi.delivery.call import deliver, prepare
from django_ihuyi.delivery.dispatchers.base import IN_HAND
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
#: asked for. A second more, because a message may be taken after the moment that its snapshot is dated by.
LONGEST_WAIT = (CALL_DEADLINE + PACE + PACE).total_seconds()
#: Seconds between two attempts while another worker calls the number.
POLL_INTERVAL = 0.25
#: Seconds until the next attempt, at most: another worker may be let through, and a code is soon too old.
_RETRY_AFTER = {Kind.CODE.value: IN_HAND, Kind.NOTICE.value: 30.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """The result of examining a queued message: with a snapshot it may be sent, with a wait later, else not at all."""

    #: The number's state, and when it was read, by `time.monotonic`.
    snapshot: Snapshot | None = None
    read_at: float = 0.0
    #: Seconds.
    wait: float = 0.0

    @property
    def is_stale(self) -> bool:
        """Return True if the settings, or the phone's opt-out, may have changed since: no claim guards them."""
        return time.monotonic() - self.read_at > POLL_INTERVAL


_NEVER = _Turn()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred:
    """A message that must wait: its worker puts it back into the queue, for `seconds` from now."""

    message: Message
    seconds: float


def find_and_deliver(message_id: int, *, using: str) -> Deferred | None:
    """Deliver the queued message of this id, once, however many workers call this, and how often.

    Returns the message if it must wait for longer than a worker may hold it.
    """
    message = Message.objects.using(using).select_related("recipient").filter(pk=message_id).first()
    if message is None:  # its transaction was rolled back, or it has been purged
        return None
    until = time.monotonic() + IN_HAND
    return deliver_queued(message, using=using, is_stopped=lambda: time.monotonic() > until)


def deliver_queued(
    message: Message, *, using: str, is_patient: bool = True, is_stopped: Callable[[], bool] = lambda: False
) -> Deferred | None:
    """Take a message out of the queue and deliver it; do nothing if another worker has taken it.

    A message that may no longer be sent becomes `unsent`, and its claim is given back. While another message is on its
    way to the number, this one waits. Returns the message if `is_stopped` became true, or if the platform may not be
    called for a while; in the second case, if the caller is not patient, the message becomes `unsent` instead.
    """
    try:
        # After a lost race the message is examined again.
        while wait := transactions.retry(lambda: _attempt(message, using=using, is_patient=is_patient), using=using):
            if wait > IN_HAND:
                return Deferred(message=message, seconds=min(wait, _RETRY_AFTER[message.kind]))
            if is_stopped():
                return Deferred(message=message, seconds=0)
            time.sleep(wait)
    except transactions.Contended:
        withdraw(message, fault="busy", using=using)
    return None


def _attempt(message: Message, *, using: str, is_patient: bool) -> float:
    """Deliver the message if it may be sent now. Return the seconds until the next attempt, 0 if there is none."""
    # Examined before the permit is taken: a message that is too old needs none, and a slot is held for calls only.
    turn = _examine(message, using=using)
    if turn.snapshot is None:
        return min(turn.wait, POLL_INTERVAL)
    with ExitStack() as stack:
        try:
            stack.enter_context(acquire_permit(message.channel, patience=IN_HAND if is_patient else 0))
        except SendingUnavailable as refusal:
            if is_patient:
                # In short steps, unless the circuit breaker leaves the platform alone for a while.
                return refusal.retry_after if refusal.retry_after > IN_HAND else POLL_INTERVAL
            withdraw(message, fault="not_called", using=using)
            return 0
        if turn.is_stale:  # the permit took its time
            turn = _examine(message, using=using)
        if turn.snapshot is not None:
            _take_and_deliver(message, turn.snapshot, read_at=turn.read_at, using=using)
    return min(turn.wait, POLL_INTERVAL)


def _examine(message: Message, *, using: str) -> _Turn:
    read_at = time.monotonic()
    snapshot = read_snapshot(message.phone, verification_id=message.verification_id, using=using)
    # A message that is not among the last day's was purged, and is not sent either.
    states = {read.pk: read.state for read in snapshot.messages}
    message.state = states.get(message.pk, State.UNKNOWN)
    if message.state != State.QUEUED:
        return _NEVER
    wait = find_wait(snapshot, kind=message.kind).total_seconds()
    if fault := _find_fault(message, snapshot, wait=wait):
        withdraw(message, fault=fault, using=using)
        return _NEVER
    return _Turn(wait=wait) if wait else _Turn(snapshot=snapshot, read_at=read_at)


def _take_and_deliver(message: Message, snapshot: Snapshot, *, read_at: float, using: str) -> None:
    """Claim the recipient as a send does, so that no other message leaves meanwhile, and deliver. Raises StaleRow."""
    message.recipient, message.verification = snapshot.recipient, snapshot.verification
    try:
        prepare(message)  # before it is taken: a failure after that leaves a message that may have left
    except (KeyError, ValueError, ImproperlyConfigured) as error:
        # Without the traceback, whose frames hold the code.
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
