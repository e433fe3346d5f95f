"""Who calls the platform, and when: this process or a worker; at once, or after the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from django_ihuyi import policies
from django_ihuyi.conf import settings
from django_ihuyi.database import transactions
from django_ihuyi.delivery import in_process
from django_ihuyi.delivery.admission.ceiling import Place
from django_ihuyi.delivery.admission.permit import PATIENCE, STANDSTILL, acquire_permit
from django_ihuyi.delivery.call import deliver
from django_ihuyi.delivery.dispatchers.base import INLINE, Dispatcher, get_dispatcher
from django_ihuyi.delivery.outcomes import withdraw
from django_ihuyi.delivery.queue import Deferred, deliver_queued
from django_ihuyi.logs import get_logger
from django_ihuyi.models import Message, State
from django_ihuyi.phones import fixed_codes

logger = get_logger("django_ihuyi.dispatch")


def initial_state(purpose: str = "") -> State:
    """Return the state to write a message in; a dispatcher that cannot be used shows itself here."""
    is_called_now = get_dispatcher() is None and not policies.prevents_enumeration(purpose)
    return State.SENDING if is_called_now else State.QUEUED


def permit_to_call(channel: str, *, phone: str, purpose: str = "") -> AbstractContextManager[object]:
    """Hold a permit for the call that this process is about to make; with a queue it makes none, and its worker asks.

    Raises SendingUnavailable if the platform may not be called now. Where enough others call it that is so after
    PATIENCE, while they come and go; while they hang, at once.
    """
    if fixed_codes.find(phone) or get_dispatcher() is not None:
        return nullcontext()
    if policies.prevents_enumeration(purpose):
        with _acquire_permit(channel):  # asked for all alike; the thread that calls takes a permit of its own
            return nullcontext()
    return _acquire_permit(channel)


def _acquire_permit(channel: str) -> AbstractContextManager[object]:
    return acquire_permit(channel, patience=PATIENCE, standstill=STANDSTILL)


def dispatch(message: Message, *, using: str, asked_at: float, place: Place | None = None) -> Message:
    """Deliver or enqueue a committed message; inside a caller's open transaction after its commit, else now.

    `asked_at` is when the caller asked for it, by `time.monotonic`: a process that was stopped meanwhile, or a
    transaction that lasted, must not send what is too old. `place` is one under the account's ceiling that the caller
    holds, if it does and the call is made now; else one is waited for. In a transaction, and with a queue, the
    message returned is still `sending` or `queued`; the state `unsent` of one that the queue did not take is there at
    once. One to a test number has its end already.
    """
    if message.state == State.UNSENT:
        return message

    def go() -> None:  # no partial: Django names a hook that failed by its __qualname__
        if message.state == State.QUEUED:
            _enqueue(message, using=using)
        else:
            deliver(message, using=using, asked_at=asked_at, place=place)

    if transactions.is_open(using):
        transaction.on_commit(go, using=using, robust=True)
    else:
        go()
    return message


def enqueue_many(messages: Sequence[Message], *, using: str) -> None:
    """Enqueue committed notices that are `queued`, together."""
    _enqueue_together(messages, lambda queue, ids: queue.enqueue_many(ids, using=using), using=using)


def enqueue_later(left: Sequence[Deferred], *, using: str) -> None:
    """Enqueue anew what a worker could not deliver yet, together: for when the first of it is worth another look."""
    kind, seconds = left[0].message.kind, min(deferred.seconds for deferred in left)
    _enqueue_together(
        [deferred.message for deferred in left],
        lambda queue, ids: queue.enqueue_later(ids, kind=kind, using=using, seconds=seconds),
        using=using,
    )


def _enqueue_together(messages: Sequence[Message], put: Callable[[Dispatcher, list[int]], None], *, using: str) -> None:
    try:
        put(_get_queue(), [message.pk for message in messages])
    except Exception:
        logger.exception("the queue does not take %d messages", len(messages))
        for message in messages:
            _do_without_queue(message, using=using)


def _enqueue(message: Message, *, using: str) -> None:
    try:
        _put_into_queue(message, using=using)
    except Exception:
        # Each engine fails in its own ways, and in all of them the message needs an end.
        logger.exception("the queue does not take message %d", message.pk)
        _do_without_queue(message, using=using)


def _put_into_queue(message: Message, *, using: str) -> None:
    if get_dispatcher() is None and policies.prevents_enumeration(message.purpose):
        in_process.deliver_later(message.pk, using=using)
    else:
        _get_queue().enqueue(message.pk, kind=message.kind, using=using)


def _get_queue() -> Dispatcher:
    dispatcher = get_dispatcher()
    if dispatcher is None:
        raise ImproperlyConfigured("IHUYI['DISPATCHER'] was changed while a message was written")
    return dispatcher


def _do_without_queue(message: Message, *, using: str) -> None:
    # Without a dispatcher, what did not take it is what would be asked now.
    if settings.DISPATCH_FALLBACK != INLINE or get_dispatcher() is None:
        withdraw(message, fault="queue_down", using=using)
    elif policies.prevents_enumeration(message.purpose):
        in_process.deliver_later(message.pk, using=using)
    else:
        # If it did take it all the same, one of us is the first, and the other finds nothing to do.
        deliver_queued(message, using=using, is_patient=False)
