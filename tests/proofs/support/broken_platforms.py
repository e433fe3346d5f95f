"""Platforms that do not do their work: one that hangs when it is told to, and one that hangs up on everybody."""

import contextlib
import socket
import threading

from tests.proofs.support.proxies import road

PATIENCE = 180


class HangingRoad:
    """A road to the platform; while `is_hanging` is set, requests get onto it and nothing ever comes back."""

    def __init__(self):
        self.url = ""
        self.is_hanging = threading.Event()
        self._lock = threading.Lock()
        self._held = self.most_held = self.ever_held = 0

    def travel(self, handler, form):
        if self.is_hanging.is_set():
            self._hang(handler)
        else:
            handler.pass_on(form)

    def _hang(self, handler):
        handler.close_connection = True
        handler.connection.settimeout(PATIENCE)
        with self._holding(), contextlib.suppress(OSError):
            handler.connection.recv(1)  # until the other side gives up

    @contextlib.contextmanager
    def _holding(self):
        with self._lock:
            self._held += 1
            self.ever_held += 1
            self.most_held = max(self.most_held, self._held)
        try:
            yield
        finally:
            with self._lock:
                self._held -= 1


@contextlib.contextmanager
def hanging(platform_url):
    """Open such a road."""
    hanging_road = HangingRoad()
    with road(platform_url, hanging_road.travel) as hanging_road.url:
        yield hanging_road


class Doorstep:
    """A host that hangs up on everybody at once, and counts them."""

    def __init__(self, listener):
        self.connections = 0
        self._listener = listener
        self.url = f"https://127.0.0.1:{listener.getsockname()[1]}/webservice/sms.php"

    def hang_up(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                connection.close()


@contextlib.contextmanager
def hanging_up():
    """Run such a host."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        doorstep = Doorstep(listener)
        thread = threading.Thread(target=doorstep.hang_up)
        thread.start()
        try:
            yield doorstep
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join()
