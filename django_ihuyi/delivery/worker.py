"""A worker: the functions that the tasks of any queue call with the ids of messages.

A task for each notice would cost a worker as much as the message itself: find the task, take it, write its result. So
one task has a chunk of up to a hundred notices, and makes as many calls at once as PLATFORM_CONCURRENCY allows. A
worker finds the task of a code only between two tasks. So a chunk ends early when a code waits.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic

from django.db import Error, router
from django.views.decorators.debug import sensitive_variables

from django_ihuyi.conf import settings
from django_ihuyi.database.threads import GLANCE, map_in_threads
from django_ihuyi.delivery.dispatch import enqueue_later
from django_ihuyi.delivery.outcomes import withdraw
from django_ihuyi.delivery.queue import Deferred, deliver_queued, find_and_deliver
from django_ihuyi.delivery.recovery import recover_when_due
from django_ihuyi.logs import get_logger
from django_ihuyi.masking import mask
from django_ihuyi.models import Message, State

logger = get_logger("django_ihuyi.runs")

#: Notices of one task.
CHUNK_SIZE = 100
#: Seconds after which a chunk ends. A worker that is stopped may need as long to exit.
LONGEST = 10.0

#: The depth of tasks in this thread: more than one if the queue runs a task when it is enqueued.
_thread = threading.local()


@sensitive_variables()
def run(message_id: int, *, using: str | None = None) -> None:
    """Deliver the queued message of this id, once, however many workers call this, and how often.

    A message that must wait is put back into the queue.
    """
    with _task(using) as database:
        if deferred := find_and_deliver(message_id, using=database):
            _put_back([deferred], using=database)


@sensitive_variables()
def run_many(message_ids: Sequence[int], *, using: str | None = None) -> None:
    """Deliver the queued notices of these ids, each once; notices that must wait are put back into the queue."""
    with _task(using) as database:
        if left := deliver_chunk(message_ids, using=database):
            _put_back(left, using=database)


@contextmanager
def _task(using: str | None) -> Iterator[str]:
    """Yield the alias of a task's database; recover afterwards, if that is due."""
    _thread.depth = getattr(_thread, "depth", 0) + 1
    try:
        database = using or router.db_for_write(Message)
        try:
            yield database
        finally:
            # After the delivery, because a person waits for the message.
            recover_when_due(using=database)
    except Error as error:
        # Queues store the exception of a task, and the text of a database error may quote a row, and so a number.
        raise type(error)(mask(str(error))) from None
    finally:
        _thread.depth -= 1


def database_argument(using: str) -> dict[str, str]:
    """Return the argument of a task that names its database; none if it is the default one for messages."""
    return {} if using == router.db_for_write(Message) else {"using": using}


def _put_back(left: Sequence[Deferred], *, using: str) -> None:
    if _thread.depth > 1:
        # This queue runs a task when it is enqueued, in the same thread: a message that must wait would recurse for
        # ever.
        for deferred in left:
            if deferred.seconds:
                withdraw(deferred.message, fault="not_called", using=using)
        left = [deferred for deferred in left if not deferred.seconds]
    if left:
        enqueue_later(left, using=using)


def deliver_chunk(message_ids: Sequence[int], *, using: str) -> list[Deferred]:
    """Deliver queued messages; return those that still wait.

    A message still waits if a code was waiting, if the chunk took too long, or if the platform may not be called. An
    error of one message is logged and does not stop the others; if the message was taken, recovery ends it.
    """
    chunk = _Chunk(using=using)
    messages = Message.objects.using(using).select_related("recipient").order_by("pk")
    waiting = list(messages.filter(pk__in=message_ids, state=State.QUEUED))
    calls = settings.PLATFORM_CONCURRENCY
    # More threads than calls at once: while some call, others write outcomes.
    threads = calls + calls // 2
    try:
        map_in_threads(waiting, chunk.deliver, threads=threads, using=using, look=chunk.check)
    finally:  # also after an interrupt: the threads that still deliver must not begin another message
        chunk.is_stopped = True
    return chunk.left


class _Chunk:
    """The progress of a chunk, which its threads share."""

    def __init__(self, *, using: str) -> None:
        #: The messages that still wait.
        self.left: list[Deferred] = []
        #: True when no further message of the chunk may be begun.
        self.is_stopped = False
        self._using = using
        self._ends = monotonic() + LONGEST
        self._next_check = monotonic() + GLANCE

    def deliver(self, message: Message) -> None:
        if self.is_stopped:
            self.left.append(Deferred(message=message, seconds=0))
            return
        try:
            if deferred := deliver_queued(message, using=self._using, is_stopped=self._check_again):
                self.left.append(deferred)
        except Exception:  # any error: up to a hundred other messages wait
            logger.exception("message %d cannot be delivered", message.pk)

    def _check_again(self) -> bool:
        # With one thread, no other thread checks while a message waits.
        self.check()
        return self.is_stopped

    def check(self) -> None:
        """Stop the chunk if it took too long, or if a code waits."""
        now = monotonic()
        if now >= self._next_check and not self.is_stopped:
            self._next_check = now + GLANCE
            self.is_stopped = now > self._ends or Message.objects.using(self._using).codes_wait()
