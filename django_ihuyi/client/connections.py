"""HTTP connections that obey the deadline of the call that uses them, and tell it how far it came."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from time import monotonic
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError
from urllib3.response import HTTPResponse

from django_ihuyi.client.deadline import Call, DeadlineReader
from django_ihuyi.client.resolver import Address, Resolver

#: A connection that was idle for longer may be dead at the other end, and then nobody could say what became of
#: the message; a new one costs a handshake, but leaves no doubt.
MAX_IDLE = 2.0


CONNECT_FAULTS: dict[type[OSError], str] = {
    TimeoutError: "connect_timeout",
    ConnectionRefusedError: "connection_refused",
}


class Running(threading.local):
    """What the connections of a thread work for: urllib3 has no other way to hand it down to them."""

    call: Call
    resolver: Resolver


running = Running()


class PlainPool(HTTPConnectionPool):
    """A pool of connections without TLS: for a simulator on loopback."""


class SecurePool(HTTPSConnectionPool):
    """A pool of connections with TLS."""


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
            # urllib3 takes some OSErrors for those of a request that is under way; this one it leaves alone.
            raise NewConnectionError(self, type(error).__name__) from error


class _SecureConnection(_DeadlineConnection, HTTPSConnection):
    def connect(self) -> None:
        try:
            super().connect()
        except ssl.SSLCertVerificationError:
            running.call.fault = "tls_certificate"
            raise


PlainPool.ConnectionCls = _DeadlineConnection
SecurePool.ConnectionCls = _SecureConnection


def _open_socket(host: str, port: int) -> socket.socket:
    call = running.call
    deadline = call.connect_deadline()
    addresses = _resolve(host, port, deadline)
    for waiting in range(len(addresses), 0, -1):
        # Each address gets its share of the time, so that a dead one does not use up that of a live one.
        sock = _connect(addresses[-waiting], timeout=(deadline - monotonic()) / waiting)
        if sock is not None:
            # The handshake, if one follows, has what is left of the time to connect.
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
        sock.settimeout(max(timeout, 0.001))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect(place)
    except OSError as error:
        sock.close()
        call.fault = CONNECT_FAULTS.get(type(error), "unreachable")
        return None
    call.fault = "tls_handshake"
    return sock
