"""Dispatchers put messages into a queue: the class to subclass for an engine of your own."""

from __future__ import annotations

import time
from collections.abc import Sequence

from django_ihuyi.models import Kind

INLINE = "inline"

#: What DISPATCHER may say in one word. By their paths: the packages of those that are not used need not be there.
PATHS = {
    "tasks": "django_ihuyi.delivery.dispatchers.django_tasks.TasksDispatcher",
    "celery": "django_ihuyi.delivery.dispatchers.celery.CeleryDispatcher",
}
#: Seconds that a worker waits with one message in its hands. A message that must wait longer goes back into the queue:
#: what stands in its way need not stand in the way of those behind it.
IN_HAND = 2.0


class Dispatcher:
    """Puts messages into a queue; subclass it for an engine of your own, and name its path in DISPATCHER."""

    def enqueue(self, message_id: int, *, kind: str, using: str) -> None:
        """Have a worker call `django_ihuyi.tasks.run(message_id, using=using)`. Raise if the queue does not take it.

        `kind` is "code" or "notice", so that codes can overtake. Put only the id, and `using` if needed, in the queue.
        """
        raise NotImplementedError

    def enqueue_many(self, message_ids: Sequence[int], *, using: str) -> None:
        """Have a worker call `django_ihuyi.tasks.run_many(message_ids, using=using)` for notices. Raise as `enqueue`.

        By default each notice is a task of its own.
        """
        for message_id in message_ids:
            self.enqueue(message_id, kind=Kind.NOTICE, using=using)

    def enqueue_later(self, message_ids: Sequence[int], *, kind: str, using: str, seconds: float) -> None:
        """Enqueue a code as `enqueue`, notices as `enqueue_many`, for a worker to run in so many seconds.

        A worker calls this when the platform may not be called now. By default it sleeps for a moment, because workers
        would otherwise spin, and enqueues.
        """
        time.sleep(min(seconds, IN_HAND))
        if kind == Kind.NOTICE:
            self.enqueue_many(message_ids, using=using)
        else:
            for message_id in message_ids:
                self.enqueue(message_id, kind=kind, using=using)
