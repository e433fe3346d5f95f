"""Celery as the queue: DISPATCHER "celery"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from celery import shared_task, signals
from django.db import Error, connections

from django_ihuyi.database import transactions
from django_ihuyi.delivery import worker
from django_ihuyi.delivery.dispatchers.base import Dispatcher
from django_ihuyi.delivery.recovery import recover
from django_ihuyi.logs import get_logger
from django_ihuyi.models import Kind

logger = get_logger("django_ihuyi.recovery")


# The names are promised: `task_routes` and the tasks that wait in a broker contain them. Codes and notices have
# separate tasks, so that codes can have a queue and workers of their own. Celery keeps no result and does not retry:
# the send log has the result of a message.
@shared_task(name="ihuyi.send_code", ignore_result=True)
def send_code(message_id: int, using: str | None = None) -> None:
    """Deliver a queued code."""
    worker.run(message_id, using=using)


@shared_task(name="ihuyi.send_notice", ignore_result=True)
def send_notice(message_id: int, using: str | None = None) -> None:
    """Deliver a queued notice."""
    worker.run(message_id, using=using)


@shared_task(name="ihuyi.send_notices", ignore_result=True)
def send_notices(message_ids: list[int], using: str | None = None) -> None:
    """Deliver many queued notices."""
    worker.run_many(message_ids, using=using)


class CeleryDispatcher(Dispatcher):
    """Sends a task to the host's Celery app."""

    def enqueue(self, message_id: int, *, kind: str, using: str) -> None:
        """Send the task; if the broker is down, fail at once, because a person waits and DISPATCH_FALLBACK applies."""
        task = send_code if kind == Kind.CODE else send_notice
        task.apply_async([message_id], worker.database_argument(using), retry=False)

    def enqueue_many(self, message_ids: Sequence[int], *, using: str) -> None:
        """Send one task for all."""
        send_notices.apply_async([list(message_ids)], worker.database_argument(using), retry=False)

    def enqueue_later(self, message_ids: Sequence[int], *, kind: str, using: str, seconds: float) -> None:
        """Send the tasks with a countdown."""
        options = {"countdown": seconds, "retry": False}
        if kind == Kind.NOTICE:
            send_notices.apply_async([list(message_ids)], worker.database_argument(using), **options)
        else:
            for message_id in message_ids:
                send_code.apply_async([message_id], worker.database_argument(using), **options)


@signals.worker_ready.connect
def recover_at_start(**_: Any) -> None:
    """Recover the messages that an earlier worker left."""
    try:
        recover()
    except (Error, transactions.Contended) as error:
        # The class only: Celery would log the error's text, which may quote a row, and so a number.
        logger.error("recovery fails with %s; after the next task it is tried again", type(error).__name__)
    finally:
        connections.close_all()  # this process only supervises the workers
