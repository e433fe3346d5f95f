"""A bulkhead: however long the far side takes, only so many threads of a process wait for it."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic


class Bulkhead:
    """Count who is inside; to be shared by threads."""

    def __init__(self) -> None:
        self._door = threading.Condition(threading.Lock())
        self._inside = 0
        self._calling = 0
        self._moved_at = monotonic()

    def enter(self, *, room: int, patience: float = 0.0, standstill: float = math.inf) -> bool:
        """Go in if fewer than `room` are inside, or will be within `patience` seconds, and say whether one did.

        Nobody is waited for any longer once all inside wait for the far side, and have for `standstill` seconds, in
        which nobody came or went: it seems to hang. Whoever went in must `leave`.
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
        """Wait for the far side, in there; before and after it whoever is inside is busy with work of this side."""
        self._move(+1)
        try:
            yield
        finally:
            self._move(-1)

    def leave(self) -> None:
        """Make room for another one."""
        with self._door:
            self._inside -= 1
            self._moved_at = monotonic()
            self._door.notify()

    def _move(self, calls: int) -> None:
        with self._door:
            self._calling += calls
            self._moved_at = monotonic()
            self._door.notify_all()
