"""Serve a simulator over HTTP, with the threading server of the standard library."""

from __future__ import annotations

import contextlib
import http.server
import os
import re
import socket
import socketserver
import threading
from collections.abc import Iterator
from http import HTTPStatus
from io import BufferedReader, BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

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
#: The start of a target that is a whole URL; the group is its host.
ORIGIN = re.compile(r"https?://([^/?#]*)", re.IGNORECASE)


@contextlib.contextmanager
def serving(simulator: Simulator, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[SimulatorServer]:
    """Serve from a thread while the block runs. `url` of the server is its address."""
    with SimulatorServer(host, port, simulator) as server:
        # shutdown() waits for the next poll. Test suites start hundreds of servers.
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class SimulatorServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """A listening server. Port 0 selects a free port."""

    allow_reuse_address = os.name == "posix"  # on Windows it would let two servers share a port
    daemon_threads = True  # server_close() does not wait for an answer that drips
    request_queue_size = 1024  # a full queue drops connections, and clients retry only after a second

    def __init__(self, host: str, port: int, simulator: Simulator, *, remote_pages: bool = False) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.app = SimulatorApp(simulator, remote_pages=remote_pages, max_wait=MAX_WAIT)
        self._open: set[socket.socket] = set()
        super().__init__((host, port), _Handler)

    @property
    def url(self) -> str:
        """Return the address of the server without a path."""
        host, port = self.server_address[:2]
        return f"http://[{host!s}]:{port}" if ":" in str(host) else f"http://{host!s}:{port}"

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection for `server_close`, and serve it in a thread."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget and close the connection."""
        self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Stop listening, stop all pushes, and close every connection."""
        super().server_close()
        self.app.simulator.close()
        # The threads of idle connections would read for up to IDLE seconds more.
        for connection in tuple(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print the traceback of an error in the app, unless stderr is closed."""
        with contextlib.suppress(OSError):
            super().handle_error(request, client_address)


class _Handler(http.server.BaseHTTPRequestHandler):
    """Passes the requests of a connection to the WSGI app.

    wsgiref's own handler closes the connection after each request. Clients that reuse connections need keep-alive.
    """

    server: SimulatorServer
    protocol_version = "HTTP/1.1"
    # A request line that cannot be parsed would count as HTTP/0.9, and its answer would have no status line.
    default_request_version = "HTTP/1.1"
    timeout = IDLE
    disable_nagle_algorithm = True

    def setup(self) -> None:
        """Read the connection through `_RequestReader`."""
        super().setup()
        self.rfile: BufferedReader = _RequestReader(self.rfile.detach())

    def handle(self) -> None:
        """Serve the connection until one side closes it. Clients may disappear at any time."""
        with contextlib.suppress(OSError):
            super().handle()

    def log_message(self, *_: object) -> None:
        """Log nothing: a request line may contain a code and the key."""

    def answer(self) -> None:
        """Answer one request."""
        refusal = self._find_refusal()
        if refusal:
            # The unread rest may be a body, which must not be taken for the next request.
            self.close_connection = True
            self.send_error(refusal)
            return
        scripts: list[Script] = []
        head, content = self._call_app({**self._environ(), TAKE_SCRIPT: scripts.append})
        if scripts:
            self.close_connection = True
            scripts[0](self.connection, head, content)
        else:
            self.wfile.write(head + content)

    # Methods that the platform does not know reach the app too: it answers 405 and records them in the journal.
    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer  # noqa: N815 - the names of http.server

    def _find_refusal(self) -> HTTPStatus | None:
        if "Transfer-Encoding" in self.headers:
            return HTTPStatus.LENGTH_REQUIRED
        length = self._length()
        if not (length.isascii() and length.isdigit()):
            return HTTPStatus.BAD_REQUEST
        # int() raises for more than 4,300 digits.
        if len(length) > 18 or int(length) > MAX_BODY:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        return None

    def _length(self) -> str:
        # Two lengths are how requests are smuggled (RFC 9112, 6.3). Joined, they are not a number.
        return ",".join(self.headers.get_all("Content-Length", ["0"])).strip()

    def _call_app(self, environ: WSGIEnvironment) -> tuple[bytes, bytes]:
        lines: list[str] = []

        def start_response(status: str, headers: list[tuple[str, str]], _exc_info: object = None) -> None:
            lines.append(f"HTTP/1.1 {status}")
            lines.extend(f"{name}: {value}" for name, value in headers)

        content = b"".join(self.server.app(environ, start_response))  # type: ignore[arg-type]  # no write()
        lines.append(f"Connection: {'close' if self.close_connection else 'keep-alive'}")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        return head, b"" if self.command == "HEAD" else content

    def _environ(self) -> WSGIEnvironment:
        # Only the keys that SimulatorApp reads: no other app is served here.
        body = self.rfile.read(int(self._length()))
        headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in self.headers.items()}
        target = self.path
        # A client that uses the simulator as its HTTP proxy sends the whole URL (RFC 9112, 3.2.2).
        origin = ORIGIN.match(target)
        if origin:
            headers["HTTP_HOST"] = origin[1]
            target = target[origin.end() :]
        path, _, query = target.partition("#")[0].partition("?")
        return {
            **headers,
            "REQUEST_METHOD": self.command,
            "PATH_INFO": unquote_to_bytes(path.encode("latin-1")).decode("latin-1") or "/",
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_ADDR": self.client_address[0],
            "wsgi.input": BytesIO(body),
        }


class _RequestReader(BufferedReader):
    """Raises if the client closes the connection in the middle of a request.

    http.server takes the end of the connection for the end of the head, and would send the message of half a request.
    """

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        if not line.endswith(b"\n") and len(line) != size:
            raise ConnectionAbortedError
        return line

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if len(data) != size:
            raise ConnectionAbortedError
        return data
