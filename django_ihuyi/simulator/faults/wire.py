"""Faults of the connection. Only the simulator's own server can produce them.

Each function gets the socket and the response that would have been sent. The server closes the socket afterwards.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Callable
from dataclasses import replace

from django_ihuyi.simulator.faults.base import Fault, Usual
from django_ihuyi.simulator.wsgi import Response, Script

#: Seconds of a silence, unless the client closes the connection earlier.
SILENCE = 120
#: Seconds between two bytes of a dripping answer.
PACE = 1.0
ENDLESS = 1 << 30
CHUNK = b" " * 65_536
#: SO_LINGER with a timeout of 0: closing the socket sends a reset. Windows has shorts in this structure.
LINGER = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


def reset(connection: socket.socket, _head: bytes, _body: bytes) -> None:
    """Reset the connection without an answer."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
    # connection.close() leaves the socket open until the reader of the handler is closed. Closing the file
    # descriptor resets the connection at once.
    socket.socket(fileno=connection.detach()).close()


def close(_connection: socket.socket, _head: bytes, _body: bytes) -> None:
    """Close the connection without an answer."""


def stay_silent(connection: socket.socket, _head: bytes, _body: bytes) -> None:
    """Send nothing."""
    _outwait(connection, SILENCE)


def drip(connection: socket.socket, head: bytes, body: bytes) -> None:
    """Send one byte a second."""
    answer = head + body
    for position in range(len(answer)):
        connection.sendall(answer[position : position + 1])
        if _outwait(connection, PACE):
            return


def send_head_only(connection: socket.socket, head: bytes, _body: bytes) -> None:
    """Send the head and no body."""
    connection.sendall(head)
    _outwait(connection, SILENCE)


def truncate(connection: socket.socket, head: bytes, body: bytes) -> None:
    """Close the connection in the middle of the body."""
    connection.sendall(head + body[: len(body) // 2])


def reset_in_body(connection: socket.socket, head: bytes, body: bytes) -> None:
    """Reset the connection in the middle of the body, after the result code.

    The reset may reach the client before it has read that far.
    """
    connection.sendall(head + body[: 3 * len(body) // 4])
    reset(connection, head, body)


def never_end(connection: socket.socket, head: bytes, body: bytes) -> None:
    """Announce a gibibyte, and send it until the client closes the connection."""
    length = f"Content-Length: {len(body)}".encode()
    connection.sendall(head.replace(length, f"Content-Length: {ENDLESS}".encode()) + body)
    for _ in range((ENDLESS - len(body)) // len(CHUNK)):
        connection.sendall(CHUNK)


def _outwait(connection: socket.socket, seconds: float) -> bool:
    # Return True if the client closes the connection in this time. Further bytes from the client are ignored.
    connection.settimeout(seconds)
    with contextlib.suppress(TimeoutError):
        while connection.recv(65_536):
            pass
        return True
    return False


def _with(script: Script) -> Callable[[Usual], Response]:
    return lambda usual: replace(usual.response, script=script)


WIRE_FAULTS = tuple(
    Fault(name=name, meaning=meaning, spoil=_with(script), needs_socket=True)
    for name, script, meaning in (
        ("reset", reset, "the connection is reset without an answer"),
        ("close", close, "the connection is closed without an answer"),
        ("no_answer", stay_silent, "there is no answer for two minutes"),
        ("drip", drip, "the answer comes at one byte a second"),
        ("head_only", send_head_only, "the head comes, but no body"),
        ("truncated", truncate, "the connection is closed in the middle of the body"),
        ("reset_in_body", reset_in_body, "the connection is reset in the middle of the body, after the result code"),
        ("endless", never_end, "a body of a gibibyte"),
    )
)
