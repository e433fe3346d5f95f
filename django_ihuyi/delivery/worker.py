"""A worker: what the tasks of any queue do with the ids of messages.

A task for each notice would cost a worker as much as the message itself: find the task, take it, write its end. So a
hundred notices share a task, a chunk, and as many calls as PLATFORM_CONCURRENCY allows are under way at once. A chunk
gives way to codes, because a worker finds the task of a code only between two tasks.
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
#: Seconds after which a chunk ends. A worker that is told to stop may need as long.
LONGEST = 10.0

_thread = threading.local()


@contextmanager
def _working() -> Iterator[None]:
    _thread.depth = getattr(_thread, "depth", 0) + 1
    try:
        yield
    except Error as error:
        # Queues store what a task raised, and the text of a database error may quote a row, and so a number.
        raise type(error)(mask(str(error))) from None
    finally:
        _thread.depth -= 1


@_working()
@sensitive_variables()
def run(message_id: int, *, using: str | None = None) -> None:
    """Deliver the queued message of this id, once, however many workers call this, and how often.

    A message that must wait is enqueued again.
    """
    database = using or router.db_for_write(Message)
    try:
        if deferred := find_and_deliver(message_id, using=database):
            _put_back([deferred], using=database)
    finally:
        # After the delivery, because a person waits for the message.
        recover_when_due(using=database)


@_working()
@sensitive_variables()
def run_many(message_ids: Sequence[int], *, using: str | None = None) -> None:
    """Deliver the queued notices of these ids, each once; notices that must wait are enqueued again."""
    database = using or router.db_for_write(Message)
    try:
        if left := deliver_chunk(message_ids, using=database):
            _put_back(left, using=database)
    finally:
        recover_when_due(using=database)


def where(using: str) -> dict[str, str]:
    """Return the further arguments of a task: the database, unless it is the one that messages are written to."""
    return {} if using == router.db_for_write(Message) else {"using": using}


def _put_back(left: Sequence[Deferred], *, using: str) -> None:
    if _thread.depth > 1:
        # The queue runs a task at once, where it is enqueued: a message that waits would recurse for ever.
        for deferred in left:
            if deferred.seconds:
                withdraw(deferred.message, fault="not_called", using=using)
        left = [deferred for deferred in left if not deferred.seconds]
    if left:
        enqueue_later(left, using=using)


def deliver_chunk(message_ids: Sequence[int], *, using: str) -> list[Deferred]:
    """Deliver queued messages; return those that still wait.

    A message waits because a code does, because the chunk has lasted long enough, or because the platform may not be
    called. An error of one message is logged and does not stop the others; if it was taken, recovery gives it an end.
    """
    chunk = _Chunk(using=using)
    messages = Message.objects.using(using).select_related("recipient").order_by("pk")
    waiting = list(messages.filter(pk__in=message_ids, state=State.QUEUED))
    try:
        map_in_threads(waiting, chunk.deliver, threads=_count_threads(), using=using, look=chunk.look)
    finally:  # also when the worker is told to end at once
        chunk.is_stopped = True
    return chunk.left


def _count_threads() -> int:
    """Return more threads than calls at once: while one calls, another writes the outcome of its message."""
    calls: int = settings.PLATFORM_CONCURRENCY
    return calls + calls // 2


class _Chunk:
    def __init__(self, *, using: str) -> None:
        self.left: list[Deferred] = []
        self._using = using
        self.is_stopped = False
        self._ends = monotonic() + LONGEST
        self._looks = monotonic() + GLANCE

    def deliver(self, message: Message) -> None:
        if self.is_stopped:
            self.left.append(Deferred(message=message, seconds=0))
            return
        try:
            if deferred := deliver_queued(message, using=self._using, is_stopped=self._gives_way):
                self.left.append(deferred)
        except Exception:  # any error: a hundred other messages wait
            logger.exception("message %d cannot be delivered", message.pk)

    def _gives_way(self) -> bool:
        """Check here, too: with one thread, no other thread checks while a message waits."""
        self.look()
        return self.is_stopped

    def look(self) -> None:
        now = monotonic()
        if now < self._looks or self.is_stopped:
            return
        self._looks = now + GLANCE
        self.is_stopped = now > self._ends or Message.objects.using(self._using).codes_wait()
