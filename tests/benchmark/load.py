"""A load that costs the machine little: a few connections, each with one request under way, from one thread."""

import dataclasses
import gc
import json
import selectors
import socket
import statistics
import time
from urllib.parse import urlsplit


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What a round came to; times in seconds."""

    rate: float
    p50: float
    p95: float


class UnexpectedAnswer(Exception):
    """A request did not do its work, so its time says nothing."""


def fire(site, requests, *, connections, expect):
    """POST all requests, (path, body) each, as fast as `connections` of them at a time go; all must answer `expect`."""
    place = urlsplit(site)
    shots = iter([to_bytes(place.netloc, path, body) for path, body in requests])
    latencies = []
    selector = selectors.DefaultSelector()
    clients = [Client(place, expect) for _ in range(connections)]
    gc.collect()
    gc.disable()
    try:
        started = time.perf_counter()
        for client in clients:
            client.shoot(next(shots))
            selector.register(client.socket, selectors.EVENT_READ, client)
        under_way = len(clients)
        while under_way:
            for key, _ in selector.select(timeout=30):
                client = key.data
                if not client.hears():
                    continue
                latencies.append(client.latency)
                shot = next(shots, None)
                if shot:
                    client.shoot(shot)
                else:
                    selector.unregister(client.socket)
                    under_way -= 1
        elapsed = time.perf_counter() - started
    finally:
        gc.enable()
        selector.close()
        for client in clients:
            client.socket.close()
    percentiles = statistics.quantiles(latencies, n=20)
    return Measurement(rate=len(latencies) / elapsed, p50=statistics.median(latencies), p95=percentiles[-1])


class Client:
    """One connection that is kept alive."""

    def __init__(self, place, expect):
        self.socket = socket.create_connection((place.hostname, place.port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.start_of_answer = b"HTTP/1.1 %d " % expect

    def shoot(self, shot):
        self.heard = b""
        self.started = time.perf_counter()
        self.socket.sendall(shot)

    def hears(self):
        """Take what has come; True when the answer is whole."""
        received = self.socket.recv(65536)
        self.heard += received
        head, blank, body = self.heard.partition(b"\r\n\r\n")
        if received and not (blank and len(body) >= content_length(head)):
            return False
        self.latency = time.perf_counter() - self.started
        if not self.heard.startswith(self.start_of_answer):
            raise UnexpectedAnswer(self.heard[:1000].decode(errors="replace") or "the connection was closed")
        return True


def to_bytes(host, path, body):
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def content_length(head):
    return int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
