"""Django's task framework as the queue: DISPATCHER "tasks". `django.tasks` from Django 6.0, else the backport."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from django_ihuyi.delivery import worker
from django_ihuyi.delivery.dispatchers.base import Dispatcher
from django_ihuyi.models import Kind

if TYPE_CHECKING:
    from django.tasks import Task, task
else:
    try:
        from django.tasks import task
    except ImportError:
        from django_tasks import task

#: The priority of codes, which overtake notices if the queue knows priorities.
CODES_FIRST = 10
#: The priority of codes that have waited once: a new code, whose person waits, is taken before them.
CODES_AGAIN = 9


@task
def send_message(message_id: int, using: str | None = None) -> None:
    """Deliver a queued message."""
    worker.run(message_id, using=using)


@task
def send_notices(message_ids: list[int], using: str | None = None) -> None:
    """Deliver many queued notices."""
    worker.run_many(message_ids, using=using)


class TasksDispatcher(Dispatcher):
    """Enqueues a task in the backend `default` of the setting TASKS."""

    def enqueue(self, message_id: int, *, kind: str, using: str) -> None:
        """Enqueue the task."""
        _send_one(kind).enqueue(message_id, **worker.database_argument(using))

    def enqueue_many(self, message_ids: Sequence[int], *, using: str) -> None:
        """Enqueue one task for all."""
        send_notices.enqueue(list(message_ids), **worker.database_argument(using))

    def enqueue_later(self, message_ids: Sequence[int], *, kind: str, using: str, seconds: float) -> None:
        """Enqueue the tasks with a time to run after; if the backend does not support that, after a pause."""
        if not seconds or not send_message.get_backend().supports_defer:
            super().enqueue_later(message_ids, kind=kind, using=using, seconds=seconds)
            return
        then = timezone.now() + timedelta(seconds=seconds)
        database = worker.database_argument(using)
        if kind == Kind.NOTICE:
            send_notices.using(run_after=then).enqueue(list(message_ids), **database)
        else:
            for message_id in message_ids:
                _send_one(kind, priority=CODES_AGAIN).using(run_after=then).enqueue(message_id, **database)


def _send_one(kind: str, *, priority: int = CODES_FIRST) -> Task[..., None]:
    if kind == Kind.CODE and send_message.get_backend().supports_priority:
        return send_message.using(priority=priority)
    return send_message
