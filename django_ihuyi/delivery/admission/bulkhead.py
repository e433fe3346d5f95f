"""A bulkhead: limit how many threads of a process wait for the platform at once."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic


class Bulkhead:
    """A counter of slots in use; threads share it."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._in_use = 0
        #: Slots in use whose thread waits for the platform.
        self._calling = 0
        self._changed_at = monotonic()

    def enter(self, *, slots: int, patience: float = 0.0, standstill: float = math.inf) -> bool:
        """Take a slot if fewer than `slots` are in use, now or within `patience` seconds; return True if it was taken.

        Gives up earlier if all slots wait for the platform, and none was taken or freed for `standstill` seconds: the
        platform seems to hang. The caller must `leave` a slot that it took.
        """
        until = monotonic() + patience
        with self._changed:
            while self._in_use >= slots:
                ends = until
                if self._calling >= self._in_use:
                    ends = min(until, self._changed_at + standstill)
                # Computed again after each wake-up: meanwhile another thread may have taken the slot.
                wait = ends - monotonic()
                if wait <= 0:
                    return False
                self._changed.wait(wait)
            self._in_use += 1
            self._changed_at = monotonic()
            return True

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Count the slot as waiting for the platform while the block runs."""
        self._add_call(+1)
        try:
            yield
        finally:
            self._add_call(-1)

    def leave(self) -> None:
        """Free a slot."""
        with self._changed:
            self._in_use -= 1
            self._changed_at = monotonic()
            self._changed.notify()

    def _add_call(self, calls: int) -> None:
        with self._changed:
            self._calling += calls
            self._changed_at = monotonic()
            # All: each waiting thread must compute anew how long it waits.
            self._changed.notify_all()
