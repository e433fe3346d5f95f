"""Look up host names within a time-out, which getaddrinfo does not have."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any

#: One result of `socket.getaddrinfo`: family, type, protocol, canonical name, address.
Address = tuple[Any, Any, int, str, Any]
Lookup = Callable[..., list[Address]]


class Resolver:
    """Look up each name in a thread of its own, which all callers that ask meanwhile wait for."""

    def __init__(self, lookup: Lookup = socket.getaddrinfo) -> None:
        self._lookup = lookup
        self._lock = threading.Lock()
        self._under_way: dict[tuple[str, int], Future[list[Address]]] = {}

    def resolve(self, host: str, port: int, *, timeout: float) -> list[Address]:
        """Return the addresses. Raises TimeoutError, or socket.gaierror (an OSError) as getaddrinfo does."""
        # An IP address needs no look-up, and so no thread.
        if _is_ip_address(host):
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
                # A daemon: a look-up that hangs must not keep the process from ending.
                threading.Thread(target=self._work, args=(host, port, future), daemon=True).start()
            return future

    def _work(self, host: str, port: int, future: Future[list[Address]]) -> None:
        try:
            addresses = self._lookup(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            # getaddrinfo raises UnicodeError for a label of more than 63 characters.
            self._forget(host, port)
            future.set_exception(error if isinstance(error, OSError) else socket.gaierror(socket.EAI_NONAME))
        else:
            self._forget(host, port)
            future.set_result(addresses)

    def _forget(self, host: str, port: int) -> None:
        # Before the future is done: a caller that asks again after its result must start a new look-up.
        with self._lock:
            del self._under_way[host, port]


def _is_ip_address(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host.strip("[]"))
        except OSError:
            continue
        return True
    return False
