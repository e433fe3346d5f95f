"""Read a request's body: one JSON object within bounds, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import IO, Any

from django.http import UnreadablePostError
from django.views.decorators.debug import sensitive_variables
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

#: Longest body, in bytes. The longest honest one has some 500.
MAX_BYTES = 8 * 1024
#: Deepest nesting of objects and lists. The API's own objects have two levels.
MAX_DEPTH = 16
#: Longest integer, in characters: enough for all of 64 bits, and for some that are larger.
MAX_INTEGER = 20


class TooLarge(APIException):
    """The body is longer than MAX_BYTES."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


class StrictJSONParser(BaseParser):
    """Parse one JSON object as I-JSON (RFC 7493) wants it, or refuse with 400 or 413."""

    media_type = "application/json"

    @sensitive_variables()
    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        try:
            body = stream.read(MAX_BYTES + 1)
        except UnreadablePostError as error:
            raise ParseError from error
        if len(body) > MAX_BYTES:
            raise TooLarge
        try:
            return parse_object(body)
        except (ValueError, RecursionError):
            # Not `from error`: JSONDecodeError carries the body, and with it a code or a number.
            raise ParseError from None


@sensitive_variables()
def parse_object(body: bytes) -> dict[str, Any]:
    """Return the one object that `body` holds; raises ValueError or RecursionError for anything else."""
    text = body.decode()
    payload = _DECODER.decode(text)
    if not isinstance(payload, dict):
        raise ValueError("not an object")
    if "\\u" in text:
        # An escape is the only way to half of a surrogate pair, which no database and no encoding takes.
        json.dumps(payload, ensure_ascii=False).encode()
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _refuse_depth(payload)
    return payload


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key stands twice")
    return members


def _bounded_integer(digits: str) -> int:
    if len(digits) > MAX_INTEGER:
        raise ValueError("an integer is too long")
    return int(digits)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _refuse_depth(payload: dict[str, Any]) -> None:
    level: list[Any] = [payload]
    for _ in range(MAX_DEPTH):
        level = [child for value in level for child in _children(value)]
    if level:
        raise ValueError("nested too deep")


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


_DECODER = json.JSONDecoder(object_pairs_hook=_unique_keys, parse_int=_bounded_integer, parse_constant=_refuse_constant)
