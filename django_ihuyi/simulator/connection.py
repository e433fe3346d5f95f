"""Answer the requests of one connection, one after another."""

from __future__ import annotations

import socket
import sys
from http import HTTPStatus
from io import BufferedReader, BytesIO
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from django_ihuyi.simulator.http1 import BadRequestError, Head, read_body, read_head
from django_ihuyi.simulator.wsgi import MAX_BODY, TAKE_SCRIPT, Script, WSGIApp

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def serve_connection(app: WSGIApp, connection: socket.socket, peer: str) -> None:
    """Serve until the client closes, asks to close, or sends what is no request."""
    with connection.makefile("rb") as stream:
        try:
            while _serve_one(app, stream, connection, peer):
                pass
        except BadRequestError as error:
            connection.sendall(_refusal(error.status))


def _serve_one(app: WSGIApp, stream: BufferedReader, connection: socket.socket, peer: str) -> bool:
    head = read_head(stream)
    if head is None:
        return False
    if head.headers.get("expect", "").lower() == "100-continue":
        connection.sendall(CONTINUE)
    body = read_body(stream, head, limit=MAX_BODY)
    scripts: list[Script] = []
    environ = {**_environ(head, body, peer), TAKE_SCRIPT: scripts.append}
    answer_head, answer_body = _run(app, environ, head)
    for script in scripts:
        script(connection, answer_head, answer_body)
        return False
    connection.sendall(answer_head + answer_body)
    return head.is_kept_alive


def _run(app: WSGIApp, environ: WSGIEnvironment, head: Head) -> tuple[bytes, bytes]:
    status_line = ""
    fields: list[tuple[str, str]] = []

    def start_response(status: str, headers: list[tuple[str, str]], _exc_info: object = None) -> None:
        nonlocal status_line
        status_line = status
        fields.extend(headers)

    content = b"".join(app(environ, start_response))  # type: ignore[arg-type]  # no write()
    fields.append(("Connection", "keep-alive" if head.is_kept_alive else "close"))
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"HTTP/1.1 {status_line}\r\n{lines}\r\n".encode("latin-1"), b"" if head.verb == "HEAD" else content


def _environ(head: Head, body: bytes, peer: str) -> WSGIEnvironment:
    headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in head.headers.items()}
    return {
        **headers,
        "REQUEST_METHOD": head.verb,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(head.path.encode("latin-1")).decode("latin-1"),
        "QUERY_STRING": head.query,
        "CONTENT_TYPE": head.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "REMOTE_ADDR": peer,
        "SERVER_NAME": "simulator",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def _refusal(status: HTTPStatus) -> bytes:
    return f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
