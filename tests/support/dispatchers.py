"""Dispatchers of a host's own, which prove the seam: one keeps the ids in a list, one is down."""

from django_ihuyi import tasks
from django_ihuyi.delivery.dispatchers.base import Dispatcher

KEEPING = "tests.support.dispatchers.KeepingDispatcher"
FAILING = "tests.support.dispatchers.FailingDispatcher"
DECEIVING = "tests.support.dispatchers.DeceivingDispatcher"

DEFERRING = "tests.support.dispatchers.DeferringDispatcher"

#: What was enqueued, oldest first: (id, kind, alias of the database).
queue = []
#: What was enqueued for a later moment: (ids, kind, seconds).
later = []


class KeepingDispatcher(Dispatcher):
    """Keeps what it is given until a test says `work()`."""

    def enqueue(self, message_id, *, kind, using):
        queue.append((message_id, kind, using))


class DeferringDispatcher(KeepingDispatcher):
    """Keeps apart what is for a later moment."""

    def enqueue_later(self, message_ids, *, kind, using, seconds):
        later.append((list(message_ids), kind, seconds))


class FailingDispatcher(Dispatcher):
    """A queue that is down."""

    def enqueue(self, message_id, *, kind, using):
        raise ConnectionRefusedError("nobody listens")


class DeceivingDispatcher(Dispatcher):
    """A queue that takes a message, has it sent at once, and says that it did not."""

    def enqueue(self, message_id, *, kind, using):
        tasks.run(message_id, using=using)
        raise TimeoutError("no answer in time")


class NoDispatcher:
    """Something else."""


def work():
    """Do all that is in the queue, as a worker does."""
    while queue:
        message_id, _, using = queue.pop(0)
        tasks.run(message_id, using=using)
