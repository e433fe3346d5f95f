"""Third-party dispatchers, which prove the interface: one keeps the ids in a list, one is down."""

from django_ihuyi import tasks
from django_ihuyi.delivery.dispatchers.base import Dispatcher

KEEPING = "tests.support.dispatchers.KeepingDispatcher"
FAILING = "tests.support.dispatchers.FailingDispatcher"
DECEIVING = "tests.support.dispatchers.DeceivingDispatcher"

DEFERRING = "tests.support.dispatchers.DeferringDispatcher"

#: Enqueued messages, oldest first: (id, kind, alias of the database).
queue = []
#: Messages enqueued for later: (ids, kind, seconds).
later = []


class KeepingDispatcher(Dispatcher):
    """Keeps its messages until a test calls `work()`."""

    def enqueue(self, message_id, *, kind, using):
        queue.append((message_id, kind, using))


class DeferringDispatcher(KeepingDispatcher):
    """Also keeps messages for later, in a list of their own."""

    def enqueue_later(self, message_ids, *, kind, using, seconds):
        later.append((list(message_ids), kind, seconds))


class FailingDispatcher(Dispatcher):
    """A queue that is down."""

    def enqueue(self, message_id, *, kind, using):
        raise ConnectionRefusedError("connection refused")


class DeceivingDispatcher(Dispatcher):
    """A queue that sends a message at once, and then raises as if it had not taken it."""

    def enqueue(self, message_id, *, kind, using):
        tasks.run(message_id, using=using)
        raise TimeoutError("no answer in time")


class NoDispatcher:
    """Not a subclass of Dispatcher."""


def work():
    """Run all messages in the queue, as a worker does."""
    while queue:
        message_id, _, using = queue.pop(0)
        tasks.run(message_id, using=using)
