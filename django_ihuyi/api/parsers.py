"""The wire format: one JSON object within bounds in, JSON out, whatever the Accept header says."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

from django.http import UnreadablePostError
from django.utils.http import parse_header_parameters
from django.views.decorators.debug import sensitive_variables
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

#: Longest body, in bytes. The longest honest one has some 500.
MAX_BYTES = 8 * 1024
#: Deepest nesting of objects and lists. The API's own objects have two levels.
MAX_DEPTH = 16
#: Longest integer, in characters: enough for all of 64 bits, and for some that are larger.
MAX_INTEGER = 20


def is_json(content_type: str) -> bool:
    """Return True for application/json in UTF-8, a Content-Type that no form on another site can send."""
    if content_type == "application/json":
        return True
    media_type, parameters = parse_header_parameters(content_type)
    return media_type == "application/json" and parameters.get("charset", "utf-8").lower() in ("utf-8", "utf8")


class JSONOnly(BaseContentNegotiation):
    """Accept JSON bodies only, and answer JSON to every caller.

    RFC 9110, section 12.4.1, allows to disregard an Accept header that cannot be honoured. A caller that asked for
    HTML is better off with a reason in JSON than with a bare 406.
    """

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        return next(iter(parsers)) if is_json(request.content_type) else None

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class TooLarge(APIException):
    """The body is longer than MAX_BYTES."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


class StrictJSONParser(BaseParser):
    """Parse one JSON object by the rules of I-JSON (RFC 7493); refuse anything else with 400 or 413."""

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
    """Return the JSON object in `body`; raise ValueError or RecursionError for anything else."""
    text = body.decode()
    payload = _DECODER.decode(text)
    if not isinstance(payload, dict):
        raise ValueError("not an object")
    if "\\u" in text:
        # Only an escape can spell half of a surrogate pair, which no database and no encoding takes: encode() raises.
        json.dumps(payload, ensure_ascii=False).encode()
    # Most bodies have too few brackets to be nested that deep, and counting them is cheaper than the walk.
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _refuse_depth(payload)
    return payload


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate key")
    return members


def _bounded_integer(digits: str) -> int:
    # Converting takes time that grows with the square of the digits.
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
