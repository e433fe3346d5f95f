"""A few threads that work off a list together, each with database connections of its own.

They are the process's, and stay: to start them for every hundred messages, and connect each to the database, would cost
a worker some hundredths of its time. What CONN_MAX_AGE says of connections holds for theirs, too.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

from django.db import close_old_connections, connections

T = TypeVar("T")

#: Seconds between two looks at what happens beside the work.
GLANCE = 0.5
#: Threads of a process, at the most: as many calls as its connections allow (ihuyi.E050), and some beside them.
_MOST = 192

#: By process id: after a fork the parent's threads are not there.
_pools: dict[int, ThreadPoolExecutor] = {}


def map_in_threads(
    items: Iterable[T], work: Callable[[T], None], *, threads: int, using: str, look: Callable[[], None] = lambda: None
) -> None:
    """Call `work` with each item, in so many threads at once, and `look` now and then; raise what an item raised.

    Inside a transaction it is this thread alone, because no other one sees what was written in it.
    """
    todo = deque(items)
    if threads == 1 or len(todo) < 2 or connections[using].in_atomic_block:
        _drain(todo, work, after_each=look)
        return
    pool = _pools.get(os.getpid()) or _pools.setdefault(os.getpid(), ThreadPoolExecutor(_MOST))
    futures = [pool.submit(_drain_and_hang_up, todo, work) for _ in range(min(threads, len(todo)))]
    try:
        while wait(futures, timeout=GLANCE).not_done:
            look()
    finally:  # who stops us does not wait for the whole list
        todo.clear()
    for future in futures:
        future.result()


def _drain(todo: deque[T], work: Callable[[T], None], *, after_each: Callable[[], None] = lambda: None) -> None:
    while True:
        try:
            item = todo.popleft()
        except IndexError:
            return
        work(item)
        after_each()


def _drain_and_hang_up(todo: deque[T], work: Callable[[T], None]) -> None:
    try:
        close_old_connections()
        _drain(todo, work)
    finally:
        close_old_connections()
