"""Read requests as HTTP/1.1 (RFC 9112) has them; lean, because benchmarks run against the simulator."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from io import BufferedReader

MAX_LINE = 65_536
MAX_HEADERS = 100

TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
ORIGIN = re.compile(r"https?://([^/?#]*)", re.IGNORECASE)
HEX = re.compile(rb"[0-9A-Fa-f]{1,8}")


class BadRequestError(Exception):
    """The bytes are no request that can be answered; the connection must be closed."""

    def __init__(self, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(status.phrase)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A request without its body; header names are in lower case."""

    verb: str
    path: str
    query: str
    headers: Mapping[str, str]
    is_kept_alive: bool


def read_head(stream: BufferedReader) -> Head | None:
    """Read up to the blank line; None when the client has closed the connection."""
    if not stream.peek(1):
        return None
    line = _read_line(stream) or _read_line(stream)  # RFC 9112, 2.2: one empty line before it is forgiven
    verb, target, version = _split_request_line(line)
    headers = _read_headers(stream)
    target, headers = _resolve(target, headers)
    path, _, query = target.partition("#")[0].partition("?")
    connection = headers.get("connection", "").lower()
    is_kept_alive = "close" not in connection and (version == "HTTP/1.1" or "keep-alive" in connection)
    return Head(verb=verb, path=path, query=query, headers=headers, is_kept_alive=is_kept_alive)


def read_body(stream: BufferedReader, head: Head, *, limit: int) -> bytes:
    """Read the body that the head announces."""
    length = head.headers.get("content-length")
    encoding = head.headers.get("transfer-encoding")
    if encoding is not None:
        return _read_encoded(stream, encoding, length, limit)
    if length is None:
        return b""
    if not (length.isascii() and length.isdigit()):
        raise BadRequestError
    if len(length) > 18 or int(length) > limit:
        raise BadRequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return _read_exactly(stream, int(length))


def _read_encoded(stream: BufferedReader, encoding: str, length: str | None, limit: int) -> bytes:
    if length is not None:  # two lengths are how requests are smuggled (RFC 9112, 6.3)
        raise BadRequestError
    if encoding.lower() != "chunked":
        raise BadRequestError(HTTPStatus.NOT_IMPLEMENTED)
    return _read_chunks(stream, limit)


def _read_chunks(stream: BufferedReader, limit: int) -> bytes:
    body = bytearray()
    while size := _read_chunk_size(stream):
        if len(body) + size > limit:
            raise BadRequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        body += _read_exactly(stream, size)
        if _read_line(stream):
            raise BadRequestError
    _read_headers(stream)  # trailers
    return bytes(body)


def _read_chunk_size(stream: BufferedReader) -> int:
    size = _read_line(stream).partition(b";")[0].strip()
    if not HEX.fullmatch(size):
        raise BadRequestError
    return int(size, 16)


def _read_exactly(stream: BufferedReader, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise BadRequestError
    return data


def _read_line(stream: BufferedReader) -> bytes:
    line = stream.readline(MAX_LINE + 1)
    if len(line) > MAX_LINE:
        raise BadRequestError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    if not line.endswith(b"\n"):  # half a request is none: nothing of it may count
        raise BadRequestError
    return line.rstrip(b"\r\n")


def _split_request_line(line: bytes) -> tuple[str, str, str]:
    words = line.decode("latin-1").split(" ")
    if len(words) != 3 or not TOKEN.fullmatch(words[0]) or words[2] not in ("HTTP/1.0", "HTTP/1.1"):
        raise BadRequestError
    return words[0], words[1], words[2]


def _read_headers(stream: BufferedReader) -> dict[str, str]:
    headers: dict[str, str] = {}
    while line := _read_line(stream):
        name, found, value = line.decode("latin-1").partition(":")
        name = name.lower()
        if not found or not TOKEN.fullmatch(name) or (name == "content-length" and name in headers):
            raise BadRequestError
        if len(headers) >= MAX_HEADERS:
            raise BadRequestError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        headers[name] = value.strip()
    return headers


def _resolve(target: str, headers: dict[str, str]) -> tuple[str, dict[str, str]]:
    # A client that takes us for its proxy sends the whole URL (RFC 9112, 3.2.2).
    if target.startswith("/"):
        return target, headers
    origin = ORIGIN.match(target)
    if origin is None:
        raise BadRequestError
    rest = target[origin.end() :]
    return rest if rest.startswith("/") else f"/{rest}", {**headers, "host": origin[1]}
