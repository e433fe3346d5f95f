"""The queue of this process, for DISPATCHER "inline": its threads call the platform after the answer.

If the process dies, this queue is lost, and recovery ends its messages.
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

#: The bulkhead limits the calls; more threads would only wait for it.
THREADS = 8


def deliver_later(message_id: int, *, using: str) -> None:
    """Let a thread of this process deliver a committed message; return at once."""
    if connections[using].in_atomic_block:
        # Django's TestCase commits nothing, so no other thread would find the message.
        find_and_deliver(message_id, using=using)
    else:
        _pool.submit(_run, message_id, using=using)


def _run(message_id: int, *, using: str) -> None:
    try:
        if deferred := find_and_deliver(message_id, using=using):
            # Back behind the other messages, which may be able to leave now.
            time.sleep(min(deferred.seconds, POLL_INTERVAL))
            _pool.submit(_run, message_id, using=using)
        recover_when_due(using=using)
    except Exception:
        # A thread of a pool has no caller: an exception would be lost in its future.
        logger.exception("message %d was not delivered", message_id)
    finally:
        connections.close_all()


def _make_pool() -> None:
    global _pool
    _pool = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="ihuyi")


_pool: ThreadPoolExecutor
_make_pool()
if hasattr(os, "register_at_fork"):  # the threads of the parent's pool do not exist in a forked child
    os.register_at_fork(after_in_child=_make_pool)
