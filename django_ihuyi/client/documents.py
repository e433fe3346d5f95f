"""Read the platform's two notations strictly into flat dicts; anything odd is an InvalidAnswer."""

from __future__ import annotations

import json
from typing import Any
from xml.etree.ElementTree import Element

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from django_ihuyi.exceptions import InvalidAnswer


def read_json(body: bytes) -> dict[str, Any]:
    """Read one JSON object: no key twice, no NaN, no number that would not fit a database."""
    try:
        document = json.loads(
            _decode(body), object_pairs_hook=_without_repeats, parse_constant=_refuse, parse_int=_read_int
        )
    except (ValueError, RecursionError):
        # `from None`: the cause holds the whole answer, which is anybody's text.
        raise InvalidAnswer("the answer is not valid JSON") from None
    if not isinstance(document, dict):
        raise InvalidAnswer("the answer is JSON, but no object")
    return document


def read_xml(body: bytes, *, root: str) -> dict[str, str]:
    """Read the children of one root element as texts: no DTD, no element twice, nothing nested."""
    try:
        element = fromstring(_decode(body).strip(), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        raise InvalidAnswer("the answer is not valid XML, or has a DTD") from None
    if _local_name(element) != root:
        raise InvalidAnswer(f"the answer is XML, but no {root}")
    return _without_repeats([(_local_name(child), _text(child)) for child in element])


def _decode(body: bytes) -> str:
    # PHP programs are known to put a byte order mark before their answers.
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidAnswer("the answer is not UTF-8") from None


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise InvalidAnswer("the answer says one thing twice")
    return fields


def _refuse(constant: str) -> Any:
    raise InvalidAnswer(f"the answer has {constant}, which is no JSON")


def _read_int(digits: str) -> int | str:
    # Too long for a number that we would use: a text of digits is as good, and costs nothing to make.
    return int(digits) if len(digits) < 20 else digits


def _local_name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _text(element: Element) -> str:
    if len(element):
        raise InvalidAnswer("the answer has elements within elements")
    return (element.text or "").strip()
