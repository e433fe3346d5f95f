"""Call a WSGI application in place of the platform, without a socket."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse

Environ = dict[str, Any]
WSGIApp = Callable[[Environ, Callable[..., Callable[[bytes], object]]], Iterable[bytes]]


class WSGIAdapter(HTTPAdapter):
    """A requests adapter that calls a WSGI application in this process."""

    def __init__(self, app: WSGIApp) -> None:
        super().__init__()
        self.app = app

    def send(self, request: requests.PreparedRequest, *_args: Any, **_options: Any) -> requests.Response:
        """Run the application to its end and return its answer."""
        return self.build_response(request, _run(self.app, _environ(request)))


def _environ(request: requests.PreparedRequest) -> Environ:
    parts = urlsplit(request.url or "")
    body = request.body or b""
    body = body.encode() if isinstance(body, str) else bytes(body)
    headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()}
    # PEP 3333 has variables of their own for these two, without HTTP_.
    content_type = headers.pop("HTTP_CONTENT_TYPE", "")
    headers.pop("HTTP_CONTENT_LENGTH", None)
    return {
        **headers,
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        # PEP 3333 wants the bytes of the path, decoded as Latin-1.
        "PATH_INFO": unquote_to_bytes(parts.path).decode("latin-1"),
        "QUERY_STRING": parts.query,
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_HOST": parts.netloc,
        "SERVER_NAME": parts.hostname or "",
        "SERVER_PORT": str(parts.port or (443 if parts.scheme == "https" else 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": parts.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def _run(app: WSGIApp, environ: Environ) -> HTTPResponse:
    head: list[Any] = ["500 Internal Server Error", []]
    body = io.BytesIO()

    def start_response(status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> Callable[[bytes], object]:
        head[:] = [status, headers]
        return body.write

    parts = app(environ, start_response)
    try:
        for part in parts:
            body.write(part)
    finally:
        # PEP 3333: the server calls `close`, if the application's iterable has it.
        getattr(parts, "close", lambda: None)()
    body.seek(0)
    code, _, reason = head[0].partition(" ")
    return HTTPResponse(
        body=body, headers=HTTPHeaderDict(head[1]), status=int(code), reason=reason, preload_content=False
    )
