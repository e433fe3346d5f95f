"""Dispatchers put messages into a queue: the class to subclass, and the one that DISPATCHER names."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from django_ihuyi.conf import settings
from django_ihuyi.delivery.queue import IN_HAND
from django_ihuyi.models import Kind

INLINE = "inline"

#: What DISPATCHER may say in one word. By their paths: the packages of those that are not used need not be there.
PATHS = {
    "tasks": "django_ihuyi.delivery.dispatchers.django_tasks.TasksDispatcher",
    "celery": "django_ihuyi.delivery.dispatchers.celery.CeleryDispatcher",
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
