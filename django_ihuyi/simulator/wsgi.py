"""Read request bodies and send responses, for both WSGI apps of the simulator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from socket import socket

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MAX_BODY = 1 << 20

#: Key of the WSGI environment: a function of the simulator's own server that takes a script. Absent in other servers.
TAKE_SCRIPT = "django_ihuyi.simulator.take_script"

#: Called with the connection, and the head and body of the response, in place of sending the response.
Script = Callable[["socket", bytes, bytes], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A response to be sent."""

    status: HTTPStatus = HTTPStatus.OK
    content_type: str = "text/plain; charset=utf-8"
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Fault of the connection, called in place of sending the response. Only the simulator's own server can call it.
    script: Script | None = None


class TooLargeError(Exception):
    """The body is longer than MAX_BODY."""


def read_body(environ: WSGIEnvironment) -> bytes:
    """Return the body of a request. Raise TooLargeError if it is longer than MAX_BODY."""
    length = environ.get("CONTENT_LENGTH") or "0"
    # Another WSGI server may pass any Content-Length. int() raises for more than 4,300 digits.
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
    """Return a response whose body is the phrase of its status."""
    return Response(status=status, body=f"{status.phrase}\n".encode(), headers=headers)


WSGIApp = Callable[["WSGIEnvironment", "StartResponse"], Iterable[bytes]]
