"""Who calls the platform, and when: this process or a worker; at once, or after the caller's transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils.module_loading import import_string

from django_ihuyi import background, policies
from django_ihuyi.calls import deliver
from django_ihuyi.ceiling import Place
from django_ihuyi.conf import settings
from django_ihuyi.database import transactions
from django_ihuyi.gates import PATIENCE, STANDSTILL, admitted
from django_ihuyi.logs import get_logger
from django_ihuyi.models import Kind, Message, State
from django_ihuyi.phones import fixed_codes
from django_ihuyi.queued import IN_HAND, Later, deliver_queued, withdraw

logger = get_logger("django_ihuyi.dispatch")

INLINE = "inline"
#: What DISPATCHER may say in one word. By their paths: the packages of those that are not used need not be there.
PATHS = {
    "tasks": "django_ihuyi.integrations.django_tasks.TasksDispatcher",
    "celery": "django_ihuyi.integrations.celery.CeleryDispatcher",
}


class Dispatcher:
    """Puts messages into a queue; subclass it for an engine of your own, and name its path in DISPATCHER."""

    def enqueue(self, message_id: int, *, kind: str, using: str) -> None:
        """Have a worker call `django_ihuyi.tasks.run(message_id, using=using)`; raise if the queue does not take it.

        `kind` ("code" or "notice") lets codes overtake; only the id, and `using` where needed, belong into the queue.
        """
        raise NotImplementedError

    def enqueue_many(self, message_ids: Sequence[int], *, using: str) -> None:
        """Have a worker call `django_ihuyi.tasks.run_many(message_ids, using=using)` for notices; raise as `enqueue`.

        Unless a subclass says better, each of them is a task of its own.
        """
        for message_id in message_ids:
            self.enqueue(message_id, kind=Kind.NOTICE, using=using)

    def enqueue_later(self, message_ids: Sequence[int], *, kind: str, using: str, seconds: float) -> None:
        """Do as `enqueue` for a code, as `enqueue_many` for notices, but have a worker call in so many seconds.

        A worker calls this for what the platform may not be called for now. Unless a subclass says better, it sleeps
        for a moment, so that workers do not run in circles, and enqueues.
        """
        time.sleep(min(seconds, IN_HAND))
        if kind == Kind.NOTICE:
            self.enqueue_many(message_ids, using=using)
        else:
            for message_id in message_ids:
                self.enqueue(message_id, kind=kind, using=using)


def get_dispatcher() -> Dispatcher | None:
    """Return the one that DISPATCHER names, None for "inline". Raises ImproperlyConfigured if it cannot be used."""
    name = settings.DISPATCHER
    return None if name == INLINE else load_dispatcher(PATHS.get(name, name))


@cache
def load_dispatcher(path: str) -> Dispatcher:
    """Return the dispatcher of a path, one for each process. Raises ImproperlyConfigured if it cannot be used."""
    try:
        dispatcher = import_string(path)()
    except Exception as error:
        # Whatever: to import an engine runs its code, and the host's settings of it.
        raise ImproperlyConfigured(f"IHUYI['DISPATCHER'] cannot be used: {type(error).__name__}: {error}") from error
    if not isinstance(dispatcher, Dispatcher):
        raise ImproperlyConfigured(f"IHUYI['DISPATCHER'] names {path}, which is no Dispatcher")
    return dispatcher


def initial_state(purpose: str = "") -> State:
    """Return the state to write a message in; a dispatcher that cannot be used shows itself here."""
    is_called_now = get_dispatcher() is None and not policies.is_discreet(purpose)
    return State.SENDING if is_called_now else State.QUEUED


def leave_to_call(channel: str, *, phone: str, purpose: str = "") -> AbstractContextManager[object]:
    """Hold leave for the call that this process is about to make; with a queue it makes none, and its worker asks.

    Raises SendingUnavailable if the platform may not be called now. Where enough others call it that is so after
    PATIENCE, while they come and go; while they hang, at once.
    """
    if fixed_codes.find(phone) or get_dispatcher() is not None:
        return nullcontext()
    if policies.is_discreet(purpose):
        with _admitted(channel):  # asked for all alike; the thread that calls takes leave of its own
            return nullcontext()
    return _admitted(channel)


def _admitted(channel: str) -> AbstractContextManager[object]:
    return admitted(channel, patience=PATIENCE, standstill=STANDSTILL)


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


def enqueue_later(left: Sequence[Later], *, using: str) -> None:
    """Enqueue anew what a worker could not deliver yet, together: for when the first of it is worth another look."""
    kind, seconds = left[0].message.kind, min(later.seconds for later in left)
    _enqueue_together(
        [later.message for later in left],
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
    if get_dispatcher() is None and policies.is_discreet(message.purpose):
        background.deliver_later(message.pk, using=using)
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
    elif policies.is_discreet(message.purpose):
        background.deliver_later(message.pk, using=using)
    else:
        # If it did take it all the same, one of us is the first, and the other finds nothing to do.
        deliver_queued(message, using=using, is_patient=False)
