"""A message that waits in a queue: one worker takes it and calls the platform, or it is withdrawn unsent."""

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

#: Whoever calls the same number now has ended by then; a longer wait is a pause that the platform asked for. A second
#: more, because a message may have been taken after the moment that a read of it is dated by.
LONGEST_WAIT = (CALL_DEADLINE + PACE + PACE).total_seconds()
#: Seconds between two looks at a number that another worker is calling.
POLL_INTERVAL = 0.25
#: Seconds after which it is tried again, at the latest: another worker may be let through, and a code has no time.
_AGAIN = {Kind.CODE.value: IN_HAND, Kind.NOTICE.value: 30.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What a look at a queued message has led to: it is our turn, we have to wait, or there is nothing to do."""

    #: How its number stands, if it may be called, and when that was read, by this process's monotonic clock.
    snapshot: Snapshot | None = None
    looked_at: float = 0.0
    wait: float = 0.0

    @property
    def is_stale(self) -> bool:
        """Say whether it was so long ago that what no claim guards may have changed."""
        return time.monotonic() - self.looked_at > POLL_INTERVAL


_NOTHING = _Look()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred:
    """A message that still waits: whoever had it in hand puts it back into the queue, for `seconds` from now."""

    message: Message
    seconds: float


def find_and_deliver(message_id: int, *, using: str) -> Deferred | None:
    """Deliver the queued message of this id, once, however often and by however many workers this is called.

    Returns what is to be done if it has to wait for longer than a worker may have it in hand.
    """
    message = Message.objects.using(using).select_related("recipient").filter(pk=message_id).first()
    if message is None:  # its transaction was rolled back, or it has been purged
        return None
    until = time.monotonic() + IN_HAND
    return deliver_queued(message, using=using, is_stopped=lambda: time.monotonic() > until)


def deliver_queued(
    message: Message, *, using: str, is_patient: bool = True, is_stopped: Callable[[], bool] = lambda: False
) -> Deferred | None:
    """Take a message out of the queue and deliver it; do nothing if somebody else has taken it.

    What may not be sent any more becomes `unsent`, with its claim given back. While another message is on its way to
    the number, this one waits for it. Returns what still waits because the caller was stopped meanwhile, or because the
    platform may not be called for a while. For a caller that is not patient the latter is `unsent`.
    """
    try:
        # After a lost race it looks again.
        while wait := transactions.retry(lambda: _attempt(message, using=using, is_patient=is_patient), using=using):
            if wait > IN_HAND:
                return Deferred(message=message, seconds=min(wait, _AGAIN[message.kind]))
            if is_stopped():
                return Deferred(message=message, seconds=0)
            time.sleep(wait)
    except transactions.Contended:
        withdraw(message, fault="busy", using=using)
    return None


def _attempt(message: Message, *, using: str, is_patient: bool) -> float:
    """Deliver the message if it is our turn; return the seconds to wait before the next attempt, none if it is over."""
    # Before the permit: what is of no use any more does not wait for one, and who looks keeps nobody from calling.
    look = _look(message, using=using)
    if look.snapshot is None:
        return min(look.wait, POLL_INTERVAL)
    with ExitStack() as stack:
        try:
            stack.enter_context(acquire_permit(message.channel, patience=IN_HAND if is_patient else 0))
        except SendingUnavailable as shut:
            if is_patient:
                # In short steps, unless the circuit breaker leaves the platform alone for a while.
                return shut.retry_after if shut.retry_after > IN_HAND else POLL_INTERVAL
            withdraw(message, fault="not_called", using=using)
            return 0
        if look.is_stale:
            look = _look(message, using=using)
        if look.snapshot is not None:
            _take_and_deliver(message, look.snapshot, looked_at=look.looked_at, using=using)
    return min(look.wait, POLL_INTERVAL)


def _look(message: Message, *, using: str) -> _Look:
    looked_at = time.monotonic()
    snapshot = read_snapshot(message.phone, verification_id=message.verification_id, using=using)
    message.state = _state_of(message, snapshot)
    if message.state != State.QUEUED:
        return _NOTHING
    wait = find_wait(snapshot, kind=message.kind).total_seconds()
    if fault := _find_fault(message, snapshot, wait=wait):
        withdraw(message, fault=fault, using=using)
        return _NOTHING
    return _Look(wait=wait) if wait else _Look(snapshot=snapshot, looked_at=looked_at)


def _take_and_deliver(message: Message, snapshot: Snapshot, *, looked_at: float, using: str) -> None:
    """Claim the recipient as a send does, so that no other message can leave meanwhile; raises StaleRow."""
    message.recipient, message.verification = snapshot.recipient, snapshot.verification
    try:
        prepare(message)  # before it is taken: whatever fails after that leaves a message that may have left
    except (KeyError, ValueError, ImproperlyConfigured) as error:
        # Without the traceback, whose frames hold the code.
        words = "message %d on %s cannot be called for with these settings: %s: %s"
        logger.error(words, message.pk, message.channel, type(error).__name__, error)
        withdraw(message, fault="not_configured", using=using)
        return
    take_claimed(message, snapshot.recipient, using=using)
    message.state = State.SENDING
    asked_at = looked_at - (snapshot.now - message.created_at).total_seconds()
    deliver(message, using=using, asked_at=asked_at, taken_at=looked_at)


def _state_of(message: Message, snapshot: Snapshot) -> str:
    """Return its state as it was read; a message that is gone is nobody's any more."""
    return next((read.state for read in snapshot.messages if read.pk == message.pk), State.UNKNOWN)


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
