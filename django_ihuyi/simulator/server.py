"""Serve a simulator over HTTP by the threading server of the standard library."""

from __future__ import annotations

import contextlib
import http.server
import os
import socket
import socketserver
import sys
import threading
from collections.abc import Iterator
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes, urlsplit

from django_ihuyi.simulator.app import SimulatorApp
from django_ihuyi.simulator.simulator import Simulator
from django_ihuyi.simulator.wsgi import MAX_BODY, TAKE_SCRIPT, Script

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

__all__ = ["SimulatorServer", "serving"]

#: Seconds after which a silent connection is closed.
IDLE = 75
#: Seconds that the phone page's request for news may wait.
MAX_WAIT = 20


@contextlib.contextmanager
def serving(simulator: Simulator, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[SimulatorServer]:
    """Serve from a thread while the block runs; the server's `url` is its address."""
    with SimulatorServer(host, port, simulator) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class SimulatorServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """A bound and listening server; port 0 takes a free one."""

    allow_reuse_address = os.name == "posix"  # on Windows it would let two servers share a port
    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, host: str, port: int, simulator: Simulator, *, remote_pages: bool = False) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.app = SimulatorApp(simulator, remote_pages=remote_pages, max_wait=MAX_WAIT)
        self._open: set[socket.socket] = set()
        super().__init__((host, port), _Handler)

    @property
    def url(self) -> str:
        """The address of the server, without a path."""
        host, port = self.server_address[:2]
        return f"http://[{host!s}]:{port}" if ":" in str(host) else f"http://{host!s}:{port}"

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, so that closing the server ends it."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Stop listening, hang up on every client, and push no more."""
        super().server_close()
        self.app.simulator.close()
        for connection in tuple(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report an error of the app; stderr itself may be closed."""
        with contextlib.suppress(OSError):
            super().handle_error(request, client_address)


class _Handler(http.server.BaseHTTPRequestHandler):
    """Hands requests to the WSGI app, several on one connection.

    Not wsgiref's handler: it closes the connection after each request, and the client's reuse could not be tried.
    """

    server: SimulatorServer
    protocol_version = "HTTP/1.1"
    timeout = IDLE
    disable_nagle_algorithm = True

    def handle(self) -> None:
        """Serve the connection until it is closed; clients may vanish at any time."""
        with contextlib.suppress(OSError):
            super().handle()

    def log_message(self, *_: object) -> None:
        """Log nothing: a request line may contain a code, and the key."""

    def answer(self) -> None:
        """Answer one request."""
        body = self._read_body()
        if body is None:
            return
        scripts: list[Script] = []
        head, content = self._run({**self._environ(body), TAKE_SCRIPT: scripts.append})
        for script in scripts:
            script(self.connection, head, content)
            self.close_connection = True
            return
        self.wfile.write(head + content)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer  # noqa: N815 - the names of http.server

    def _read_body(self) -> bytes | None:
        """Return the body; None if there is no request that can be answered. Half a request must count for nothing."""
        lengths = self.headers.get_all("Content-Length", ["0"] if self.command != "POST" else [])
        if len(lengths) != 1 or "Transfer-Encoding" in self.headers:
            self._refuse(HTTPStatus.LENGTH_REQUIRED)
        elif not (lengths[0].isascii() and lengths[0].isdigit()):
            self._refuse(HTTPStatus.BAD_REQUEST)
        elif len(lengths[0]) > 18 or int(lengths[0]) > MAX_BODY:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            body = self.rfile.read(int(lengths[0]))
            if len(body) == int(lengths[0]):
                return body
            self.close_connection = True
        return None

    def _refuse(self, status: HTTPStatus) -> None:
        self.close_connection = True  # the rest of the connection may be a body
        self.send_error(status)

    def _run(self, environ: WSGIEnvironment) -> tuple[bytes, bytes]:
        lines: list[str] = []

        def start_response(status: str, headers: list[tuple[str, str]], _exc_info: object = None) -> None:
            lines.append(f"HTTP/1.1 {status}")
            lines.extend(f"{name}: {value}" for name, value in headers)

        content = b"".join(self.server.app(environ, start_response))  # type: ignore[arg-type]  # no write()
        lines.append(f"Connection: {'close' if self.close_connection else 'keep-alive'}")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        return head, b"" if self.command == "HEAD" else content

    def _environ(self, body: bytes) -> WSGIEnvironment:
        # A client that uses the simulator as its HTTP proxy sends the whole URL (RFC 9112, 3.2.2).
        target = urlsplit(self.path)
        headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in self.headers.items()}
        if target.netloc:
            headers["HTTP_HOST"] = target.netloc
        return {
            **headers,
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(target.path.encode("latin-1")).decode("latin-1") or "/",
            "QUERY_STRING": target.query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_ADDR": self.client_address[0],
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
