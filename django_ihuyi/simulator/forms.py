"""Parse a request's parameters as leniently as the platform does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl

#: Without a limit a body of a megabyte could have half a million fields.
MAX_FIELDS = 1000
BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)
FIELD_NAME = re.compile(rb'(?<![a-z])name="([^"]*)"', re.IGNORECASE)


def parse_form(query: Mapping[str, str], content_type: str, body: bytes) -> dict[str, str]:
    """Return the parameters of query and body, where the body wins; a body of another Content-Type is ignored."""
    form = dict(query)
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "application/x-www-form-urlencoded":
        form.update(parse_urlencoded(body.decode("latin-1")))
    elif media_type == "multipart/form-data":
        form.update(parse_multipart(body, content_type))
    return form


def parse_urlencoded(text: str) -> dict[str, str]:
    """Parse pairs from WSGI's latin-1 text. The last value of a name wins, and bad UTF-8 is replaced."""
    pairs = parse_qsl("&".join(text.split("&", MAX_FIELDS)[:MAX_FIELDS]), keep_blank_values=True, encoding="latin-1")
    return {_decode(name.encode("latin-1")): _decode(value.encode("latin-1")) for name, value in pairs}


def parse_multipart(body: bytes, content_type: str) -> dict[str, str]:
    """Parse the fields of a multipart form; files are skipped."""
    boundary = BOUNDARY.search(content_type)
    if boundary is None:
        return {}
    return dict(_fields(body, boundary[1].strip().encode("latin-1", "replace")))


def _fields(body: bytes, boundary: bytes) -> Iterator[tuple[str, str]]:
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary, MAX_FIELDS)[1:]:
        head, found, value = part.partition(b"\r\n\r\n")
        name = FIELD_NAME.search(head)
        if found and name and b"filename" not in head.lower():
            yield _decode(name[1]), _decode(value)


def _decode(value: bytes) -> str:
    return value.decode("utf-8", "replace")
