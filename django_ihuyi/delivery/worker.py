"""A worker: what a queue's task does with the id, or the ids, that it carries; which queue, it does not know.

A task for each notice costs a worker as much as the message itself: to find the task, to take it, to write its end. A
chunk shares that among a hundred, and keeps as many calls under way as the process may have (PLATFORM_CONCURRENCY). It
gives way: codes are tasks of their own, which the worker finds only between two chunks.
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
#: Seconds after which a chunk ends, and so what a worker may need to stop.
LONGEST = 10.0

_thread = threading.local()


@contextmanager
def _working() -> Iterator[None]:
    _thread.depth = getattr(_thread, "depth", 0) + 1
    try:
        yield
    except Error as error:
        # Queues keep what a task raised, and the text of a database error may quote a row, and so a number.
        raise type(error)(mask(str(error))) from None
    finally:
        _thread.depth -= 1


@_working()
@sensitive_variables()
def run(message_id: int, *, using: str | None = None) -> None:
    """Deliver the queued message of this id, once, however often and by however many workers it is called.

    If it has to wait, it is enqueued anew.
    """
    database = using or router.db_for_write(Message)
    try:
        if deferred := find_and_deliver(message_id, using=database):
            _put_back([deferred], using=database)
    finally:
        # After it: somebody waits for the message.
        recover_when_due(using=database)


@_working()
@sensitive_variables()
def run_many(message_ids: Sequence[int], *, using: str | None = None) -> None:
    """Deliver the queued notices of these ids, each once; those that have to wait are enqueued anew."""
    database = using or router.db_for_write(Message)
    try:
        if left := deliver_chunk(message_ids, using=database):
            _put_back(left, using=database)
    finally:
        recover_when_due(using=database)


def where(using: str) -> dict[str, str]:
    """Return what a task must carry beside the id: nothing, unless the message lies in another database than usual."""
    return {} if using == router.db_for_write(Message) else {"using": using}


def _put_back(left: Sequence[Deferred], *, using: str) -> None:
    if _thread.depth > 1:
        # The queue runs tasks where they are enqueued, and knows no later: what waits for one would run in circles.
        for deferred in left:
            if deferred.seconds:
                withdraw(deferred.message, fault="not_called", using=using)
        left = [deferred for deferred in left if not deferred.seconds]
    if left:
        enqueue_later(left, using=using)


def deliver_chunk(message_ids: Sequence[int], *, using: str) -> list[Deferred]:
    """Deliver queued messages; return those that still wait.

    They do because codes do, because the chunk has lasted long enough, or because the platform may not be called.

    What one message raises is logged, and does not keep the others. If it was taken, recovery gives it its end.
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
    """Return some more than may call at once: who finds no room writes what became of one message meanwhile."""
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
        except Exception:  # whatever it is: a hundred others wait
            logger.exception("message %d cannot be delivered", message.pk)

    def _gives_way(self) -> bool:
        """Look here, too: where one thread does it all, nobody else looks while a message waits."""
        self.look()
        return self.is_stopped

    def look(self) -> None:
        now = monotonic()
        if now < self._looks or self.is_stopped:
            return
        self._looks = now + GLANCE
        self.is_stopped = now > self._ends or Message.objects.using(self._using).codes_wait()
