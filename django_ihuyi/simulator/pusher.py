"""Push from a thread that lives only while there is something to push."""

from __future__ import annotations

import heapq
import itertools
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace

from django_ihuyi.simulator.posting import post_form
from django_ihuyi.simulator.pushes import Push, PushPlan

KEPT = 1000

#: In which order what was held leaves.
ORDERS: Mapping[str, Callable[[list[Push]], list[Push]]] = {
    "as_held": lambda pushes: pushes,
    "reversed": lambda pushes: pushes[::-1],
    "shuffled": lambda pushes: secrets.SystemRandom().sample(pushes, len(pushes)),
}


class Pusher:
    """The pushes that wait, and what became of the latest; safe to share between threads."""

    def __init__(self, plan: PushPlan) -> None:
        self.plan = plan
        self._changed = threading.Condition()
        self._serial = itertools.count()
        self._thread: threading.Thread | None = None
        self._is_sending = False
        self._waiting: list[tuple[float, int, Push]] = []
        self._held: list[Push] | None = None
        self._known: deque[Push] = deque(maxlen=KEPT)

    def add(self, push: Push, *, delay: float | None = None, copies: int = 1) -> None:
        """Push in a while, as often as wanted; nothing happens without a URL."""
        if not push.url:
            return
        with self._changed:
            for copy in [replace(push) for _ in range(copies)]:
                self._known.append(copy)
                if self._held is None:
                    self._schedule(copy, self.plan.delay if delay is None else delay)
                else:
                    self._held.append(copy)

    def hold(self) -> None:
        """Keep all further pushes back."""
        with self._changed:
            self._held = self._held or []

    def release(self, order: str = "as_held", *, copies: int = 1) -> None:
        """Push at once what was held, in an order of `ORDERS`, and hold no longer."""
        with self._changed:
            held, self._held = self._held or [], None
            more = [replace(push) for push in held for _ in range(copies - 1)]
            self._known.extend(more)
            for push in ORDERS[order](held + more):
                self._schedule(push, 0)

    def list(self) -> list[Push]:
        """Return the latest pushes as they are now, newest first."""
        with self._changed:
            return [replace(push) for push in reversed(self._known)]

    def wait(self, timeout: float) -> bool:
        """Wait until everything that is not held has been pushed or given up; tell whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._is_sending, timeout)

    def clear(self) -> None:
        """Forget all pushes; one that is under way ends by itself."""
        with self._changed:
            self._waiting.clear()
            self._known.clear()
            self._held = None
            self._changed.notify_all()

    def close(self) -> None:
        """Forget what waits and see the thread end."""
        self.clear()
        thread = self._thread
        if thread:
            thread.join(2 * self.plan.timeout)

    def _schedule(self, push: Push, delay: float) -> None:
        heapq.heappush(self._waiting, (time.monotonic() + delay, next(self._serial), push))
        self._changed.notify_all()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="ihuyi-simulator-pushes", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while push := self._next():
            is_taken, answer = post_form(push.url, push.fields, timeout=self.plan.timeout)
            with self._changed:
                self._is_sending = False
                self._note(push, is_taken, answer)
                self._changed.notify_all()

    def _next(self) -> Push | None:
        with self._changed:
            while self._waiting:
                pause = self._waiting[0][0] - time.monotonic()
                if pause <= 0:
                    self._is_sending = True
                    return heapq.heappop(self._waiting)[2]
                self._changed.wait(pause)
            self._thread = None
            return None

    def _note(self, push: Push, is_taken: bool, answer: str) -> None:
        push.tries += 1
        push.answer = answer
        if is_taken:
            push.state = "taken"
        elif push.tries > len(self.plan.retries):
            push.state = "given up"
        elif any(push is known for known in self._known):  # a reset forgets what was under way
            self._schedule(push, self.plan.retries[push.tries - 1])
