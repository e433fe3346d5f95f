"""Let a written message take its route: the call is made here, or handed on; at once, or after the caller's commit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

from django.db import transaction

from django_ihuyi.conf import settings
from django_ihuyi.database import transactions
from django_ihuyi.delivery import in_process
from django_ihuyi.delivery.admission.permit import acquire_permit_in_turn
from django_ihuyi.delivery.call import deliver
from django_ihuyi.delivery.dispatchers.base import INLINE, Dispatcher
from django_ihuyi.delivery.outcomes import withdraw
from django_ihuyi.delivery.queue import Deferred, deliver_queued
from django_ihuyi.delivery.routing import Route, choose_route_without_queue, get_dispatcher
from django_ihuyi.logs import get_logger
from django_ihuyi.models import Message

logger = get_logger("django_ihuyi.dispatch")


def permit_to_call(channel: str, *, route: Route) -> AbstractContextManager[object]:
    """Hold a permit for the call that this process is about to make. Raises SendingUnavailable.

    For `Route.QUEUE` no permit is held: the worker takes its own.
    """
    if route in (Route.QUEUE, Route.WITHHELD):
        return nullcontext()
    if route is Route.IN_PROCESS:
        # Only a check that the platform may be called: else the caller would be told of a code that cannot leave. The
        # thread that calls takes a permit of its own.
        with acquire_permit_in_turn(channel):
            return nullcontext()
    return acquire_permit_in_turn(channel)


def dispatch(message: Message, *, route: Route, using: str, asked_at: float) -> None:
    """Call the platform for a written message, or hand it on; after the commit if the caller has a transaction open.

    `asked_at` is the time of the request, by `time.monotonic`: after a long transaction, or in a process that was
    stopped meanwhile, a message that is too old must not leave. If the call is made here and now, `message` has its
    final state afterwards.
    """
    if route is Route.WITHHELD:  # was written with its final state
        return

    def go() -> None:  # not a partial: Django logs a hook that failed by its __qualname__
        if route is Route.INLINE:
            deliver(message, using=using, asked_at=asked_at)
        else:
            _enqueue(message, route=route, using=using)

    if transactions.is_open(using):
        transaction.on_commit(go, using=using, robust=True)
    else:
        go()


def enqueue_many(messages: Sequence[Message], *, using: str) -> None:
    """Enqueue committed notices that are `queued`, together."""
    _enqueue_together(messages, lambda queue, ids: queue.enqueue_many(ids, using=using), using=using)


def enqueue_later(left: Sequence[Deferred], *, using: str) -> None:
    """Put messages that must wait back into the queue, together, for the time when the first of them may be sent."""
    kind, seconds = left[0].message.kind, min(deferred.seconds for deferred in left)
    _enqueue_together(
        [deferred.message for deferred in left],
        lambda queue, ids: queue.enqueue_later(ids, kind=kind, using=using, seconds=seconds),
        using=using,
    )


def _enqueue_together(messages: Sequence[Message], put: Callable[[Dispatcher, list[int]], None], *, using: str) -> None:
    try:
        put(get_dispatcher(), [message.pk for message in messages])
    except Exception:
        logger.exception("the queue does not take %d messages", len(messages))
        for message in messages:
            _do_without_queue(message, using=using)


def _enqueue(message: Message, *, route: Route, using: str) -> None:
    try:
        if route is Route.IN_PROCESS:
            in_process.deliver_later(message.pk, using=using)
        else:
            get_dispatcher().enqueue(message.pk, kind=message.kind, using=using)
    except Exception:
        # Any exception: each engine raises its own, and after each the message needs a final state.
        logger.exception("the queue does not take message %d", message.pk)
        if route is Route.IN_PROCESS:
            withdraw(message, fault="queue_down", using=using)
        else:
            _do_without_queue(message, using=using)


def _do_without_queue(message: Message, *, using: str) -> None:
    if settings.DISPATCH_FALLBACK != INLINE:
        withdraw(message, fault="queue_down", using=using)
    elif choose_route_without_queue(message.purpose) is Route.IN_PROCESS:
        in_process.deliver_later(message.pk, using=using)
    else:
        # The queue may have taken the task before it failed. Then the process or the worker takes the message, and the
        # other one finds nothing to do.
        deliver_queued(message, using=using, is_patient=False)
