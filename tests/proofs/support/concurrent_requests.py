"""Requests that arrive at the same moment: each on its own connection, opened before, sent but for the last byte."""

import dataclasses
import http.client
import json
import os
import socket
from urllib.parse import urlencode, urlsplit

from tests.proofs.support.worker_ids import HEADER as WORKER

PATIENCE = 180
#: A race is run so often, by so many requests at once.
ROUNDS, PARALLEL = int(os.environ.get("PROOF_ROUNDS", 10)), 200


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back for one request."""

    status: int
    worker: str
    retry_after: str | None
    content: bytes
    body: dict

    @property
    def code(self):
        """The stable slug of a refusal, the empty text for what is none."""
        return self.body.get("code", "")


def to_json(body):
    return "application/json", json.dumps(body).encode()


def to_form(body):
    return "application/x-www-form-urlencoded", urlencode(body).encode()


def fire(site, requests, *, encode=to_json):
    """POST all requests, (path, body) or (path, body, headers), at once; return their answers in the same order."""
    place = urlsplit(site)
    sockets = [socket.create_connection((place.hostname, place.port), timeout=PATIENCE) for _ in requests]
    try:
        shots = [to_bytes(place.netloc, *request, encode=encode) for request in requests]
        for connection, shot in zip(sockets, shots, strict=True):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(shot[:-1])
        for connection, shot in zip(sockets, shots, strict=True):
            connection.sendall(shot[-1:])
        return [read_answer(connection) for connection in sockets]
    finally:
        for connection in sockets:
            connection.close()


def to_bytes(host, path, body, headers=(), *, encode=to_json):
    content_type, content = encode(body)
    more = "".join(f"{name}: {value}\r\n" for name, value in dict(headers).items())
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(content)}\r\n{more}\r\n"
    )
    return head.encode() + content


def read_answer(connection):
    with http.client.HTTPResponse(connection, method="POST") as response:
        response.begin()
        content = response.read()
        return Answer(
            status=response.status,
            worker=response.headers[WORKER],
            retry_after=response.headers["Retry-After"],
            content=content,
            # A crash is answered in HTML; the status tells.
            body=json.loads(content) if "json" in response.headers["Content-Type"] else {},
        )
