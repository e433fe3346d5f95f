"""Serve a simulator over HTTP: threads, keep-alive, standard library only."""

from __future__ import annotations

import contextlib
import os
import socket
import socketserver
import threading
from collections.abc import Iterator
from typing import Any

from django_ihuyi.simulator.app import SimulatorApp
from django_ihuyi.simulator.connection import serve_connection
from django_ihuyi.simulator.simulator import Simulator

__all__ = ["SimulatorServer", "serving"]

#: A client that says nothing for so many seconds is hung up on.
IDLE = 75
#: How long the phone page's request for news may wait for some.
MAX_WAIT = 20


def serve(host: str, port: int, simulator: Simulator, *, remote_pages: bool = False) -> None:
    """Serve until interrupted."""
    with SimulatorServer(host, port, simulator, remote_pages=remote_pages) as server:
        server.serve_forever()


@contextlib.contextmanager
def serving(simulator: Simulator, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[SimulatorServer]:
    """Serve from a thread, for as long as the block lasts; the server's `url` says where."""
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
        """Where the server answers, without a path."""
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
        """Report our own faults only: clients may vanish as they like."""
        with contextlib.suppress(OSError):
            super().handle_error(request, client_address)


class _Handler(socketserver.BaseRequestHandler):
    server: SimulatorServer

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            self.request.settimeout(IDLE)
            self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
            serve_connection(self.server.app, self.request, self.client_address[0])
