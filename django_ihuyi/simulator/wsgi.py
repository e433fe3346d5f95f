"""What both WSGI apps of the simulator share: read a body, send a response."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from socket import socket

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MAX_BODY = 1 << 20

#: The key in the WSGI environment under which the simulator's own server takes a script.
TAKE_SCRIPT = "django_ihuyi.simulator.take_script"

#: Is given the connection, and the head and the body that would have been sent.
Script = Callable[["socket", bytes, bytes], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A whole response."""

    status: HTTPStatus = HTTPStatus.OK
    content_type: str = "text/plain; charset=utf-8"
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    #: What to do with the connection instead of sending the response; only the simulator's own server can.
    script: Script | None = None


class TooLargeError(Exception):
    """The body is longer than anything that the platform takes."""


def read_body(environ: WSGIEnvironment) -> bytes:
    """Read a request's body."""
    length = environ.get("CONTENT_LENGTH") or "0"
    size = int(length) if length.isascii() and length.isdigit() and len(length) < 19 else 0
    if size > MAX_BODY:
        raise TooLargeError
    body: bytes = environ["wsgi.input"].read(size) if size else b""
    return body


def respond(start_response: StartResponse, response: Response) -> Iterable[bytes]:
    """Send a response."""
    status = response.status
    headers = {
        "Content-Type": response.content_type,
        "Content-Length": str(len(response.body)),
        **response.headers,
    }
    start_response(f"{status.value} {status.phrase}", list(headers.items()))
    return [response.body]


def refuse(status: HTTPStatus, **headers: str) -> Response:
    """Make a response that says no more than its status."""
    return Response(status=status, body=f"{status.phrase}\n".encode(), headers=headers)


WSGIApp = Callable[["WSGIEnvironment", "StartResponse"], Iterable[bytes]]
