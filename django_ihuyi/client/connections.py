"""HTTP connections that keep the deadline of a call, and record how far the call came."""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import threading
from dataclasses import dataclass
from time import monotonic
from typing import Any, cast

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError
from urllib3.response import HTTPResponse

from django_ihuyi.client.resolver import Address, Resolver

#: The largest answer in bytes: 64 KiB of body, and as much again for its head and framing.
MAX_ANSWER = 128 * 1024
#: Seconds. The other end may have closed a connection that was idle for longer; a message written to it would end as
#: unknown. A new connection costs a handshake, but leaves no doubt.
MAX_IDLE = 2.0

CONNECT_FAULTS: dict[type[OSError], str] = {
    TimeoutError: "connect_timeout",
    ConnectionRefusedError: "connection_refused",
}


@dataclass(slots=True, kw_only=True)
class Call:
    """One attempt: when it must end, and the fault that it has if it breaks now."""

    #: Of the monotonic clock.
    deadline: float
    #: Seconds, TLS included.
    connect_timeout: float
    fault: str = "unreachable"
    #: True once a byte of the request may have left.
    sent: bool = False

    def mark_sent(self) -> None:
        """Note that from here on the platform may have the message, whatever happens."""
        self.sent = True
        self.fault = "connection_lost"

    def time_left(self) -> float:
        """Return the seconds until the deadline. Raises TimeoutError if it has passed."""
        left = self.deadline - monotonic()
        if left <= 0:
            self.fault = "deadline" if self.sent else "connect_timeout"
            raise TimeoutError
        return left


class DeadlineReader(io.RawIOBase):
    """Read a socket within the deadline of one call, and no more than MAX_ANSWER bytes."""

    def __init__(self, sock: socket.socket, call: Call) -> None:
        self._sock = sock
        self._call = call
        self._left = MAX_ANSWER
        self._file = cast(io.RawIOBase, sock.makefile("rb", buffering=0))

    def makefile(self, *_: Any) -> io.BufferedReader:
        """Return a buffered reader: http.client calls this on what it takes for a socket."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        # A socket's time-out starts anew with each read. A server that sends a byte at a time would never meet it.
        self._sock.settimeout(self._call.time_left())
        try:
            count = self._file.readinto(buffer)
        except TimeoutError:
            self._call.fault = "deadline"
            raise
        self._left -= count or 0
        if self._left < 0:
            self._call.fault = "answer_too_large"
            raise OSError("the answer is too large")
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


class _Running(threading.local):
    """The call that a thread works for: urllib3 has no other way to hand it down to the connection."""

    call: Call
    resolver: Resolver


running = _Running()


class _DeadlineResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(DeadlineReader(sock, running.call), *args, **options)  # type: ignore[arg-type]  # it has makefile


class _DeadlineConnection(HTTPConnection):
    response_class = _DeadlineResponse
    _answered_at = 0.0

    @property
    def is_connected(self) -> bool:
        return super().is_connected and monotonic() - self._answered_at < MAX_IDLE

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        call = running.call
        self.sock.settimeout(call.time_left())
        # Before the write, not after it: a write that fails half-way may have reached the platform.
        call.mark_sent()
        try:
            super().send(data)
        except TimeoutError:
            call.fault = "deadline"
            raise

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as in urllib3's own
        response = super().getresponse()
        self._answered_at = monotonic()
        return response

    def _new_conn(self) -> socket.socket:
        try:
            return _open_socket(self._dns_host, self.port)
        except OSError as error:
            # urllib3 swallows some OSErrors, as if the request were under way. It never swallows this one.
            raise NewConnectionError(self, type(error).__name__) from error


class _SecureConnection(_DeadlineConnection, HTTPSConnection):
    def connect(self) -> None:
        try:
            super().connect()
        except ssl.SSLCertVerificationError:
            running.call.fault = "tls_certificate"
            raise


class PlainPool(HTTPConnectionPool):
    """A pool of connections without TLS: for a simulator on loopback."""

    ConnectionCls = _DeadlineConnection


class SecurePool(HTTPSConnectionPool):
    """A pool of connections with TLS."""

    ConnectionCls = _SecureConnection


def _open_socket(host: str, port: int) -> socket.socket:
    call = running.call
    deadline = min(call.deadline, monotonic() + call.connect_timeout)
    addresses = _resolve(host, port, deadline)
    for waiting in range(len(addresses), 0, -1):
        # Each address gets its share of the time, so that a dead one does not use up that of a live one.
        sock = _connect(addresses[-waiting], timeout=(deadline - monotonic()) / waiting)
        if sock is not None:
            # The rest of the time to connect is for the TLS handshake, if one follows.
            sock.settimeout(max(deadline - monotonic(), 0.001))
            return sock
    raise OSError(call.fault)


def _resolve(host: str, port: int, deadline: float) -> list[Address]:
    call = running.call
    try:
        return running.resolver.resolve(host, port, timeout=deadline - monotonic())
    except TimeoutError:
        call.fault = "name_timeout"
        raise
    except OSError:
        call.fault = "name_not_found"
        raise


def _connect(address: Address, *, timeout: float) -> socket.socket | None:
    family, kind, protocol, _, place = address
    call = running.call
    sock = socket.socket(family, kind, protocol)
    try:
        # Not 0, which would make the socket one that does not wait at all.
        sock.settimeout(max(timeout, 0.001))
        # Head and body are two writes: Nagle's algorithm would hold the body back until the head is acknowledged.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect(place)
    except OSError as error:
        sock.close()
        call.fault = CONNECT_FAULTS.get(type(error), "unreachable")
        return None
    # The next step is the handshake; `mark_sent` overwrites this as soon as that is done.
    call.fault = "tls_handshake"
    return sock
