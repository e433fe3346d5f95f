"""This process's own queue: threads that call the platform, for what is answered before and has no queue of its own.

It is lost with the process, and then recovery gives its messages an end.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor

from django.db import connections

from django_ihuyi.delivery.queue import POLL_INTERVAL, find_and_deliver
from django_ihuyi.delivery.recovery import recover_when_due
from django_ihuyi.logs import get_logger

logger = get_logger("django_ihuyi.background")

#: How many calls may be under way is the bulkhead's affair; more threads would only wait for it.
THREADS = 8


def deliver_later(message_id: int, *, using: str) -> None:
    """Have a thread of this process deliver a committed message, and return at once."""
    if connections[using].in_atomic_block:
        # In Django's TestCase, which commits nothing: no other thread would find the message.
        find_and_deliver(message_id, using=using)
    else:
        _pool.submit(_run, message_id, using=using)


def _run(message_id: int, *, using: str) -> None:
    try:
        if deferred := find_and_deliver(message_id, using=using):
            # Behind the others: what stands in its way need not stand in theirs.
            time.sleep(min(deferred.seconds, POLL_INTERVAL))
            _pool.submit(_run, message_id, using=using)
        recover_when_due(using=using)
    except Exception:
        # There is nobody to raise it to.
        logger.exception("message %d was not delivered", message_id)
    finally:
        connections.close_all()


def _make_pool() -> None:
    global _pool
    _pool = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="ihuyi")


_pool: ThreadPoolExecutor
_make_pool()
if hasattr(os, "register_at_fork"):  # a child must not wait for threads that its parent has
    os.register_at_fork(after_in_child=_make_pool)
