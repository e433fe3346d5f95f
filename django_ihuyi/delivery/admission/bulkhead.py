"""A bulkhead: a limit of the threads of a process that wait for the platform, however long it takes."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic


class Bulkhead:
    """A counter of slots in use; threads share it."""

    def __init__(self) -> None:
        self._door = threading.Condition(threading.Lock())
        self._inside = 0
        self._calling = 0
        self._moved_at = monotonic()

    def enter(self, *, room: int, patience: float = 0.0, standstill: float = math.inf) -> bool:
        """Take a slot if fewer than `room` are in use, now or within `patience` seconds; return True if it was taken.

        Gives up earlier if all slots wait for the platform, and none was taken or freed for `standstill` seconds: the
        platform seems to hang. The caller must `leave` a slot that it took.
        """
        until = monotonic() + patience
        with self._door:
            while self._inside >= room:
                ends = until if self._calling < self._inside else min(until, self._moved_at + standstill)
                wait = ends - monotonic()
                if wait <= 0:
                    return False
                self._door.wait(wait)
            self._inside += 1
            self._moved_at = monotonic()
            return True

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Count the slot as waiting for the platform while the block runs."""
        self._move(+1)
        try:
            yield
        finally:
            self._move(-1)

    def leave(self) -> None:
        """Free a slot."""
        with self._door:
            self._inside -= 1
            self._moved_at = monotonic()
            self._door.notify()

    def _move(self, calls: int) -> None:
        with self._door:
            self._calling += calls
            self._moved_at = monotonic()
            self._door.notify_all()
