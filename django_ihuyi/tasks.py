"""What a worker does with the id, or the ids, that a queue hands to it; which queue, it does not know.

Celery looks into a module of this name in every app. Ours has its tasks in `integrations`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import Error, router
from django.views.decorators.debug import sensitive_variables

from django_ihuyi.dispatch import enqueue_later
from django_ihuyi.masking import mask
from django_ihuyi.models import Message
from django_ihuyi.queued import Later, find_and_deliver, withdraw
from django_ihuyi.recovery import recover_when_due
from django_ihuyi.runs import deliver_run

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
        if later := find_and_deliver(message_id, using=database):
            _put_back([later], using=database)
    finally:
        # After it: somebody waits for the message.
        recover_when_due(using=database)


@_working()
@sensitive_variables()
def run_many(message_ids: Sequence[int], *, using: str | None = None) -> None:
    """Deliver the queued notices of these ids, each once; those that have to wait are enqueued anew."""
    database = using or router.db_for_write(Message)
    try:
        if left := deliver_run(message_ids, using=database):
            _put_back(left, using=database)
    finally:
        recover_when_due(using=database)


def where(using: str) -> dict[str, str]:
    """Return what a task must carry beside the id: nothing, unless the message lies in another database than usual."""
    return {} if using == router.db_for_write(Message) else {"using": using}


def _put_back(left: Sequence[Later], *, using: str) -> None:
    if _thread.depth > 1:
        # The queue runs tasks where they are enqueued, and knows no later: what waits for one would run in circles.
        for later in left:
            if later.seconds:
                withdraw(later.message, fault="not_called", using=using)
        left = [later for later in left if not later.seconds]
    if left:
        enqueue_later(left, using=using)
