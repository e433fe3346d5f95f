"""One attempt at a call: its deadline, and whether a byte of it may have left."""

from __future__ import annotations

import io
import socket
from time import monotonic
from typing import Any, cast

#: Of one answer: 64 KiB of body, and as much again for its head and framing.
MAX_ANSWER = 128 * 1024


class Call:
    """Until when an attempt may run, how to call it if it breaks now, and whether a byte of it may have left."""

    __slots__ = ("connect_timeout", "deadline", "fault", "sent")

    def __init__(self, *, deadline: float, connect_timeout: float) -> None:
        self.deadline = deadline
        self.connect_timeout = connect_timeout
        self.fault = "unreachable"
        self.sent = False

    def mark_sent(self) -> None:
        """From here on the platform may have the message, whatever happens."""
        self.sent = True
        self.fault = "connection_lost"

    def time_left(self) -> float:
        """Return the seconds that remain; raise TimeoutError if none do."""
        left = self.deadline - monotonic()
        if left <= 0:
            self.fault = "deadline" if self.sent else "connect_timeout"
            raise TimeoutError
        return left

    def connect_deadline(self) -> float:
        """Return the moment by which a connection that is begun now must stand, TLS included."""
        return min(self.deadline, monotonic() + self.connect_timeout)


class DeadlineReader(io.RawIOBase):
    """Read a socket for one call: a server that drips its answer gains no time by it.

    A time-out of the socket is one for each read, so every read gets what is left of the whole.
    """

    def __init__(self, sock: socket.socket, call: Call) -> None:
        self._sock = sock
        self._call = call
        self._left = MAX_ANSWER
        self._file = cast(io.RawIOBase, sock.makefile("rb", buffering=0))

    def makefile(self, *_: Any) -> io.BufferedReader:
        """Stand where http.client expects a socket that it can read."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
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
