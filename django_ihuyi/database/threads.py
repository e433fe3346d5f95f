"""Work through a list in a few threads, each with database connections of its own.

The threads belong to the process and stay. Starting them for every hundred messages, and connecting each to the
database, would cost a worker some hundredths of its time. CONN_MAX_AGE applies to their connections too.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

from django.db import close_old_connections, connections

T = TypeVar("T")

#: Seconds between two calls of `look`.
GLANCE = 0.5
#: Most threads of a process: as many calls as its connections allow (ihuyi.E050), and some more.
_MOST = 192

#: By process id: after a fork the parent's threads do not exist in the child.
_pools: dict[int, ThreadPoolExecutor] = {}


def map_in_threads(
    items: Iterable[T], work: Callable[[T], None], *, threads: int, using: str, look: Callable[[], None] = lambda: None
) -> None:
    """Call `work` with each item, in up to `threads` threads, and `look` now and then; raise what `work` raised.

    Inside a transaction all work is done in this thread: no other one sees the rows that the transaction has written.
    """
    todo = deque(items)
    if threads == 1 or len(todo) < 2 or connections[using].in_atomic_block:
        for item in todo:
            work(item)
            look()
        return
    pool = _pools.get(os.getpid()) or _pools.setdefault(os.getpid(), ThreadPoolExecutor(_MOST))
    futures = [pool.submit(_drain, todo, work) for _ in range(min(threads, len(todo)))]
    try:
        while wait(futures, timeout=GLANCE).not_done:
            look()
    finally:
        todo.clear()  # an interrupt, as of a worker that is told to stop, does not wait for the rest of the list
    for future in futures:
        future.result()


def _drain(todo: deque[T], work: Callable[[T], None]) -> None:
    # Django closes old connections only before and after a request, and these threads serve none.
    close_old_connections()
    try:
        while True:
            # Not `while todo`: another thread may take the last item in between.
            try:
                item = todo.popleft()
            except IndexError:
                return
            work(item)
    finally:
        close_old_connections()
