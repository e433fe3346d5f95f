"""Servers on loopback that misbehave on purpose, and record the requests that reached them."""

import contextlib
import socket
import ssl
import struct
import threading

ACCEPTED = '{"code":2,"msg":"提交成功","smsid":"16165686731585006595"}'.encode()


def answer(body=b"", status="200 OK", headers=()):
    """Return the bytes of a complete HTTP response."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Server:
    """Listen on a free port, and call `behave(connection, server)` for each complete request."""

    def __init__(self, behave, *, tls=None):
        self.behave = behave
        self.tls = tls
        self.over = threading.Event()
        self.requests = []
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self._accept)]
        self.threads[0].start()

    def url(self, path="/webservice/sms.php", *, host="127.0.0.1"):
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{path}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,))
            self.threads.append(thread)
            thread.start()

    def _serve(self, connection):
        # Clients in these tests close connections early, on purpose.
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.callback(connection.close)
            connection.settimeout(0.05)
            if self.tls:
                connection.settimeout(5)
                connection = stack.enter_context(self.tls.wrap_socket(connection, server_side=True))
                connection.settimeout(0.05)
            while request := self._read(connection):
                self.requests.append(request)
                connection.settimeout(5)
                if self.behave(connection, self) is not KEEP_ALIVE:
                    return
                connection.settimeout(0.05)

    def _read(self, connection):
        data = b""
        while b"\r\n\r\n" not in data or len(data.partition(b"\r\n\r\n")[2]) < _content_length(data):
            data += (chunk := self._receive(connection))
            if not chunk:
                return b""
        return data

    def _receive(self, connection):
        while not self.over.is_set():
            with contextlib.suppress(TimeoutError):
                return connection.recv(65536)
        return b""


KEEP_ALIVE = object()


def _content_length(data):
    for line in data.partition(b"\r\n\r\n")[0].lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def says(data):
    """Send a response and keep the connection open."""

    def behave(connection, server):
        connection.sendall(data)
        return KEEP_ALIVE

    return behave


def says_and_waits(data):
    def behave(connection, server):
        connection.sendall(data)
        server.over.wait(20)

    return behave


def drips(data):
    """Send a byte every 20 ms, so that no single read takes long."""

    def behave(connection, server):
        for byte in data:
            connection.sendall(bytes([byte]))
            if server.over.wait(0.02):
                return

    return behave


def says_and_resets(data):
    def behave(connection, server):
        connection.sendall(data)
        reset(connection)

    return behave


def never_ends(head, chunk):
    def behave(connection, server):
        connection.sendall(head)
        server.bytes_sent = 0
        while server.bytes_sent < 1_000_000_000:
            server.bytes_sent += connection.send(chunk)

    return behave


def closes(connection, server):
    pass


def reset(connection):
    """Close with a TCP reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@contextlib.contextmanager
def raw_listener(handle):
    """Listen without HTTP: call `handle(connection, over)` for each connection, before it is read."""
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    threads = []

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=run, args=(connection,)))
            threads[-1].start()

    def run(connection):
        with connection, contextlib.suppress(OSError):
            handle(connection, over)

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield listener.getsockname()[1]
    finally:
        over.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in [accepting, *threads]:
            thread.join()


def tls_server(certificate, *, prepare=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    if prepare:
        prepare(context)
    return context
