"""Dispatchers put messages into a queue: the class to subclass for an engine of your own."""

from __future__ import annotations

import time
from collections.abc import Sequence

from django_ihuyi.models import Kind

INLINE = "inline"

#: The short names that DISPATCHER may have. Paths, because Celery or django-tasks need not be installed.
PATHS = {
    "tasks": "django_ihuyi.delivery.dispatchers.django_tasks.TasksDispatcher",
    "celery": "django_ihuyi.delivery.dispatchers.celery.CeleryDispatcher",
}
#: Most seconds that a worker holds a message that must wait. After that the message goes back into the queue, because
#: those behind it may be able to leave now.
MAX_HOLD = 2.0


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
        """Enqueue codes as `enqueue`, notices as `enqueue_many`, to be run `seconds` from now.

        A worker calls this for messages that must wait. By default it sleeps for up to two seconds and enqueues at
        once: without a pause the workers would take the messages again and again.
        """
        time.sleep(min(seconds, MAX_HOLD))
        if kind == Kind.NOTICE:
            self.enqueue_many(message_ids, using=using)
        else:
            for message_id in message_ids:
                self.enqueue(message_id, kind=kind, using=using)
