"""Test the connection to the platform, step by step: name, TCP, TLS, clock. No account and no key is sent."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from time import monotonic
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django_ihuyi.client.connections import CONNECT_FAULTS, Call, DeadlineReader
from django_ihuyi.client.exchange import read_date
from django_ihuyi.client.resolver import Address, Lookup, Resolver
from django_ihuyi.client.transport import tls_context


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """The result of each step to the platform. After a fault, the later steps are not known."""

    host: str
    #: A key of `outcomes.FAULTS`, empty if the platform's web server answered.
    fault: str = ""
    #: The TLS library's reason, for a certificate that is not valid.
    detail: str = ""
    addresses: tuple[str, ...] = ()
    #: This machine's address on the connection. Behind a router the platform sees another one.
    own_address: str = ""
    #: The TLS version, empty for plain http.
    tls: str = ""
    #: The end of the certificate, in Unix seconds.
    certificate_ends: int | None = None
    #: Seconds that the platform's clock is ahead of this machine's; None if the answer had no usable `Date`.
    skew: int | None = None


def probe(url: str, *, verify: bool | str, lookup: Lookup, timeout: float, clock: Callable[[], float]) -> Way:
    """Go as far as the head of an answer, with `timeout` seconds for each step. Network errors become faults."""
    parts = urlsplit(url)
    found: dict[str, Any] = {"host": parts.hostname or ""}
    try:
        _take_steps(parts, found, verify=verify, lookup=lookup, timeout=timeout, clock=clock)
    except _StepFailed as failed:
        found |= {"fault": failed.fault, "detail": failed.detail}
    return Way(**found)


class _StepFailed(Exception):
    def __init__(self, fault: str, detail: str = "") -> None:
        super().__init__(fault)
        self.fault = fault
        self.detail = detail


def _take_steps(
    parts: SplitResult,
    found: dict[str, Any],
    *,
    verify: bool | str,
    lookup: Lookup,
    timeout: float,
    clock: Callable[[], float],
) -> None:
    host, is_secure = parts.hostname or "", parts.scheme == "https"
    addresses = _resolve(host, parts.port or (443 if is_secure else 80), lookup=lookup, timeout=timeout)
    found["addresses"] = tuple(dict.fromkeys(str(address[4][0]) for address in addresses))
    with closing(_connect(addresses, timeout=timeout)) as plain:
        found["own_address"] = plain.getsockname()[0]
        with closing(_secure(plain, host, verify=verify) if is_secure else plain) as sock:
            if isinstance(sock, ssl.SSLSocket):
                found |= {"tls": sock.version(), "certificate_ends": _certificate_end(sock)}
            date = read_date(_ask_for_date(sock, parts, timeout=timeout))
            found["skew"] = None if date is None else date - int(clock())


def _resolve(host: str, port: int, *, lookup: Lookup, timeout: float) -> list[Address]:
    try:
        return Resolver(lookup).resolve(host, port, timeout=timeout)
    except TimeoutError:
        raise _StepFailed("name_timeout") from None
    except OSError:
        raise _StepFailed("name_not_found") from None


def _connect(addresses: list[Address], *, timeout: float) -> socket.socket:
    fault = "unreachable"
    for family, kind, protocol, _, place in addresses:
        sock = socket.socket(family, kind, protocol)
        sock.settimeout(timeout)
        try:
            sock.connect(place)
        except OSError as error:
            sock.close()
            fault = CONNECT_FAULTS.get(type(error), "unreachable")
        else:
            return sock
    raise _StepFailed(fault)


def _secure(sock: socket.socket, host: str, *, verify: bool | str) -> ssl.SSLSocket:
    try:
        return tls_context(verify).wrap_socket(sock, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        raise _StepFailed("tls_certificate", error.verify_message) from None
    except OSError:
        raise _StepFailed("tls_handshake") from None


def _certificate_end(sock: ssl.SSLSocket) -> int | None:
    certificate = sock.getpeercert() or {}
    ends = certificate.get("notAfter")
    return int(ssl.cert_time_to_seconds(ends)) if isinstance(ends, str) else None


def _ask_for_date(sock: socket.socket, parts: SplitResult, *, timeout: float) -> str:
    # The same reader as for real calls, so that a server that sends a byte at a time cannot hold the probe.
    call = Call(deadline=monotonic() + timeout, connect_timeout=timeout)
    call.mark_sent()
    try:
        target = f"{parts.path}?{parts.query}".rstrip("?")
        sock.sendall(f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode())
        answer = http.client.HTTPResponse(DeadlineReader(sock, call))  # type: ignore[arg-type]  # it has makefile
        answer.begin()
    except (OSError, http.client.HTTPException):
        raise _StepFailed(call.fault) from None
    return answer.getheader("Date") or ""
