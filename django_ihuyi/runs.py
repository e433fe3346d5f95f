"""A run: many queued notices in one task, worked off by a few threads of a worker.

A task for each notice costs a worker as much as the message itself: to find the task, to take it, to write its end. A
run shares that among a hundred, and keeps as many calls under way as the process may have (PLATFORM_CONCURRENCY). It
gives way: codes are tasks of their own, which the worker finds only between two runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic

from django_ihuyi.conf import settings
from django_ihuyi.database.threads import GLANCE, map_in_threads
from django_ihuyi.logs import get_logger
from django_ihuyi.models import Message, State
from django_ihuyi.queued import Later, deliver_queued

logger = get_logger("django_ihuyi.runs")

#: Notices of one task.
SIZE = 100
#: Seconds after which a run ends, and so what a worker may need to stop.
LONGEST = 10.0


def deliver_run(message_ids: Sequence[int], *, using: str) -> list[Later]:
    """Deliver queued messages; return those that still wait.

    They do because codes do, because the run has lasted long enough, or because the platform may not be called.

    What one message raises is logged, and does not keep the others. If it was taken, recovery gives it its end.
    """
    run = _Run(using=using)
    messages = Message.objects.using(using).select_related("recipient").order_by("pk")
    waiting = list(messages.filter(pk__in=message_ids, state=State.QUEUED))
    try:
        map_in_threads(waiting, run.deliver, threads=_count_threads(), using=using, look=run.look)
    finally:  # also when the worker is told to end at once
        run.is_stopped = True
    return run.left


def _count_threads() -> int:
    """Return some more than may call at once: who finds no room writes what became of one message meanwhile."""
    calls: int = settings.PLATFORM_CONCURRENCY
    return calls + calls // 2


class _Run:
    def __init__(self, *, using: str) -> None:
        self.left: list[Later] = []
        self._using = using
        self.is_stopped = False
        self._ends = monotonic() + LONGEST
        self._looks = monotonic() + GLANCE

    def deliver(self, message: Message) -> None:
        if self.is_stopped:
            self.left.append(Later(message=message, seconds=0))
            return
        try:
            if later := deliver_queued(message, using=self._using, is_stopped=self._gives_way):
                self.left.append(later)
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
