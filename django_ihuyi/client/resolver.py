"""Look host names up without ever waiting longer than asked: getaddrinfo has no time-out of its own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any

#: What `socket.getaddrinfo` answers: family, type, protocol, canonical name, address.
Address = tuple[Any, Any, int, str, Any]
Lookup = Callable[..., list[Address]]


class Resolver:
    """One thread for each name that is being looked up, however many wait for it."""

    def __init__(self, lookup: Lookup = socket.getaddrinfo) -> None:
        self._lookup = lookup
        self._lock = threading.Lock()
        self._under_way: dict[tuple[str, int], Future[list[Address]]] = {}

    def resolve(self, host: str, port: int, *, timeout: float) -> list[Address]:
        """Return the addresses; raise TimeoutError, or socket.gaierror (an OSError) as getaddrinfo does."""
        if _is_literal(host):
            return self._lookup(host, port, type=socket.SOCK_STREAM)
        try:
            return self._ask(host, port).result(timeout)
        except FutureTimeoutError as error:
            raise TimeoutError from error

    def _ask(self, host: str, port: int) -> Future[list[Address]]:
        with self._lock:
            future = self._under_way.get((host, port))
            if future is None:
                future = self._under_way[host, port] = Future()
                threading.Thread(target=self._work, args=(host, port, future), daemon=True).start()
            return future

    def _work(self, host: str, port: int, future: Future[list[Address]]) -> None:
        try:
            addresses = self._lookup(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            self._forget(host, port)
            future.set_exception(error if isinstance(error, OSError) else socket.gaierror(socket.EAI_NONAME))
        else:
            self._forget(host, port)
            future.set_result(addresses)

    def _forget(self, host: str, port: int) -> None:
        # Before the answer is told: who asks after having heard it wants a new one.
        with self._lock:
            del self._under_way[host, port]


def _is_literal(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host.strip("[]"))
        except OSError:
            continue
        return True
    return False
