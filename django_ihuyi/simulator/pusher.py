"""Push receipts and replies from a thread that lives only while there is something to push."""

from __future__ import annotations

import heapq
import http.client
import itertools
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import urlencode, urlsplit

from django_ihuyi.simulator.pushes import Push, PushPlan

KEPT = 1000

FORM_TYPE = "application/x-www-form-urlencoded; charset=utf-8"
CONNECTIONS = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
MAX_ANSWER = 1024

#: The orders in which held pushes can leave.
ORDERS: Mapping[str, Callable[[list[Push]], list[Push]]] = {
    "as_held": lambda pushes: pushes,
    "reversed": lambda pushes: pushes[::-1],
    "shuffled": lambda pushes: secrets.SystemRandom().sample(pushes, len(pushes)),
}


class Pusher:
    """The queue of pushes, and the latest pushes with their state. Threads may share it."""

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
        """Push `copies` times after a delay (None: the plan's); do nothing without a URL."""
        if not push.url:
            return
        with self._changed:
            # Each copy counts its own tries, so the copies must not be one object.
            for copy in [replace(push) for _ in range(copies)]:
                self._known.append(copy)
                if self._held is None:
                    self._schedule(copy, self.plan.delay if delay is None else delay)
                else:
                    self._held.append(copy)

    def hold(self) -> None:
        """Hold all further pushes until `release`."""
        with self._changed:
            self._held = self._held or []

    def release(self, order: str = "as_held", *, copies: int = 1) -> None:
        """Push everything held at once, in an order of `ORDERS`, and stop holding."""
        with self._changed:
            held, self._held = self._held or [], None
            more = [replace(push) for push in held for _ in range(copies - 1)]
            self._known.extend(more)
            for push in ORDERS[order](held + more):
                self._schedule(push, 0)

    def list(self) -> list[Push]:
        """Return copies of the latest pushes, newest first."""
        with self._changed:
            return [replace(push) for push in reversed(self._known)]

    def wait(self, timeout: float) -> bool:
        """Wait until everything not held is pushed or given up; return False if the time ran out first."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._is_sending, timeout)

    def clear(self) -> None:
        """Forget all pushes; one that is being sent ends by itself."""
        with self._changed:
            self._waiting.clear()
            self._known.clear()
            self._held = None
            self._changed.notify_all()

    def close(self) -> None:
        """Forget all pushes and join the thread."""
        self.clear()
        thread = self._thread  # the thread sets this to None when it ends, so it is read once
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
                    # Set with the lock held, or `wait` could return between this push and its request.
                    self._is_sending = True
                    return heapq.heappop(self._waiting)[2]
                self._changed.wait(pause)
            # Under the lock, or `_schedule` could see a thread that ends and start no other.
            self._thread = None
            return None

    def _note(self, push: Push, is_taken: bool, answer: str) -> None:
        push.tries += 1
        push.answer = answer
        if is_taken:
            push.state = "taken"
        elif push.tries > len(self.plan.retries):
            push.state = "given up"
        elif any(push is known for known in self._known):  # unless a reset dropped it meanwhile
            self._schedule(push, self.plan.retries[push.tries - 1])


def post_form(url: str, fields: Mapping[str, str], *, timeout: float) -> tuple[bool, str]:
    """POST a form without redirects or proxies; return whether the server took it, and its status or the error."""
    parts = urlsplit(url)
    connection = CONNECTIONS[parts.scheme](parts.hostname or "", parts.port, timeout=timeout)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    headers = {"Content-Type": FORM_TYPE, "Connection": "close"}
    try:
        connection.request("POST", target, urlencode(fields).encode(), headers)
        response = connection.getresponse()
        # Of the programs that receive pushes, one answers `success` and another an empty body.
        is_taken = response.status == 200 and response.read(MAX_ANSWER).strip() in (b"", b"success")
        return is_taken, str(response.status)
    except (OSError, http.client.HTTPException) as error:
        return False, type(error).__name__
    finally:
        connection.close()
