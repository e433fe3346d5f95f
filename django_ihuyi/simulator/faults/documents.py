"""Answers that are malformed or hostile JSON and XML."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace

from django_ihuyi.simulator.answers import JSON_TYPE, NAMESPACE, XML_TYPE, render
from django_ihuyi.simulator.faults.base import Fault, Usual
from django_ihuyi.simulator.wsgi import Response

Spoil = Callable[[Usual], Response]

#: The "billion laughs" attack: each entity consists of ten of the previous one.
LAUGHS = "".join(f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' for level in range(1, 10))
DEPTH = 32_000
LONG = 10_240


def spell_code(raw: Callable[[int], str]) -> Spoil:
    """Write the result code as other JSON than an integer."""
    return lambda usual: _send_json(usual, raw(usual.answer.code))


def change_id(value: object) -> Spoil:
    """Answer with another id. An id that is not a string is always sent as JSON."""

    def spoil(usual: Usual) -> Response:
        fields = {**usual.answer.fields, usual.id_field: value}
        if not isinstance(value, str):
            return _json(usual, json.dumps(fields, ensure_ascii=False, separators=(",", ":")))
        content_type, body = render(replace(usual.answer, fields=fields), as_json=usual.as_json)  # type: ignore[arg-type]
        return replace(usual.response, content_type=content_type, body=body)

    return spoil


def drop_id(usual: Usual) -> Response:
    """Answer without an id."""
    fields = {name: value for name, value in usual.answer.fields.items() if name != usual.id_field}
    content_type, body = render(replace(usual.answer, fields=fields), as_json=usual.as_json)
    return replace(usual.response, content_type=content_type, body=body)


def break_xml(usual: Usual) -> Response:
    """Leave an element open."""
    return _xml(usual, "", f"<code>{usual.answer.code}<msg>")


def cut_json(usual: Usual) -> Response:
    """Cut the JSON off. Content-Length is that of the shorter body."""
    _, body = render(usual.answer, as_json=True)
    return _json(usual, body[:-12].decode("utf-8", "ignore"))


def nest_json(usual: Usual) -> Response:
    """Nest the JSON deeper than any parser recurses."""
    return _send_json(usual, "[" * DEPTH + "]" * DEPTH)


def repeat_code(usual: Usual) -> Response:
    """Send two different result codes in one JSON object."""
    _, body = render(usual.answer, as_json=True)
    return _json(usual, '{"code":0,' + body.decode()[1:])


def declare(dtd: str, code: str = "") -> Spoil:
    """Send XML with a DTD, and with `code` in place of the result code."""
    return lambda usual: _xml(usual, dtd, _elements(usual, {"code": code} if code else {}))


def _elements(usual: Usual, changes: Mapping[str, str]) -> str:
    fields = {**usual.answer.fields, **changes}
    return "".join(f"<{name}>{value}</{name}>\n" for name, value in fields.items())


def _xml(usual: Usual, dtd: str, elements: str) -> Response:
    root = usual.answer.root
    prolog = '<?xml version="1.0" encoding="utf-8"?>\n' + (f"<!DOCTYPE {root} [{dtd}]>\n" if dtd else "")
    text = f'{prolog}<{root} xmlns="{NAMESPACE}">\n{elements}</{root}>\n'
    return replace(usual.response, content_type=XML_TYPE, body=text.encode())


def _send_json(usual: Usual, code: str) -> Response:
    rest = {name: value for name, value in usual.answer.fields.items() if name != "code"}
    return _json(usual, f'{{"code":{code},{json.dumps(rest, ensure_ascii=False, separators=(",", ":"))[1:]}')


def _json(usual: Usual, text: str) -> Response:
    return replace(usual.response, content_type=JSON_TYPE, body=text.encode())


DOCUMENT_FAULTS = tuple(
    Fault(name=name, meaning=meaning, spoil=spoil)
    for name, spoil, meaning in (
        ("invalid_xml", break_xml, "XML with an element that is not closed"),
        ("truncated_json", cut_json, "JSON that ends in the middle"),
        ("dtd", declare("<!ELEMENT code (#PCDATA)>"), "XML with a DTD"),
        ("external_entity", declare('<!ENTITY x SYSTEM "file:///etc/hostname">', "&x;"), "XML that refers to a file"),
        ("entity_code", declare('<!ENTITY two "2">', "&two;"), "XML with an entity that spells 2"),
        ("entity_bomb", declare(f'<!ENTITY l0 "ha">{LAUGHS}', "&l9;"), "XML with entities that expand to 2 GB"),
        ("entity_square", declare(f'<!ENTITY x "{"x" * 30_000}">', "&x;" * 10_000), "a long entity, used 10,000 times"),
        ("deep_json", nest_json, "JSON nested 32,000 deep"),
        ("repeated_code", repeat_code, "JSON with two result codes"),
        ("code_text", spell_code('"{}"'.format), "a result code in quotes, which users have reported"),
        ("code_float", spell_code("{}.0".format), "the result code 2.0"),
        ("code_true", spell_code(lambda _: "true"), "the result code true"),
        ("code_null", spell_code(lambda _: "null"), "the result code null"),
        ("code_list", spell_code("[{}]".format), "the result code in a list"),
        ("code_object", spell_code('{{"code":{}}}'.format), "the result code in an object"),
        ("code_infinite", spell_code(lambda _: "1e400"), "the result code 1e400"),
        ("code_nan", spell_code(lambda _: "NaN"), "the result code NaN"),
        ("code_huge", spell_code(lambda _: "2" * 5000), "a result code of 5,000 digits"),
        ("no_id", drop_id, "no id"),
        ("id_zero", change_id("0"), "the id 0"),
        ("id_empty", change_id(""), "an empty id"),
        ("id_long", change_id("1" * LONG), "an id of 10,240 digits"),
        ("id_list", change_id(["1"]), "an id that is a list"),
    )
)
