"""What is JSON enough to be looked at: one object, no ambiguity, within bounds."""

import json

import pytest

from django_ihuyi.api.parsers import MAX_DEPTH, parse_object

REFUSED = {
    "blanks": b" \n",
    "half an object": b'{"phone":',
    "two objects": b"{}{}",
    "a trailing comma": b'{"phone": "1",}',
    "a comment": b'{/**/"phone": "1"}',
    "single quotes": b"{'phone': '1'}",
    "a list": b'[{"phone": "1"}]',
    "a text": b'"phone"',
    "a number": b"1",
    "null": b"null",
    "a key twice": b'{"phone": "1", "phone": "2"}',
    "a key twice, once escaped": b'{"phone": "1", "\\u0070hone": "2"}',
    "a key twice, inside": b'{"captcha": {"a": 1, "a": 2}}',
    "NaN": b'{"phone": NaN}',
    "Infinity": b'{"phone": Infinity}',
    "minus Infinity": b'{"phone": -Infinity}',
    "a huge integer": b'{"phone": ' + b"9" * 5_000 + b"}",  # int() itself stops at 4,300 digits
    "an integer of 21 characters": b'{"phone": ' + b"9" * 21 + b"}",
    "deep lists": b'{"phone": ' + b"[" * 4_000 + b"]" * 4_000 + b"}",
    "deep objects": b'{"a":' * 1_000 + b"1" + b"}" * 1_000,
    "one level too many": b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1),
    "invalid UTF-8": b'{"phone": "\xff"}',
    "overlong UTF-8": b'{"phone": "\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"phone": "\xed\xa0\x80"}',
    "half a surrogate pair": b'{"phone": "\\ud800"}',
    "half a surrogate pair in a key": b'{"\\udfff": 1}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"phone": "1"}'.encode("utf-16"),
    "a bare control character": b'{"phone": "\x00"}',
    "an open text": b'{"phone": "1',
    "a form": b"phone=1&purpose=login",
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_anything_else_is_refused(body):
    with pytest.raises((ValueError, RecursionError)):
        parse_object(body)


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"phone": "13800138000", "captcha": {"id": "x", "points": [1, 2.5, -3, True, None]}},
        {"emoji": "\U0001f600", "escaped": "\u6c49\u0000"},
        {"integer": 10**20 - 1},
        {"brackets in a text": "[{" * 100},
        json.loads('{"a":' * (MAX_DEPTH - 1) + "{}" + "}" * (MAX_DEPTH - 1)),
    ],
    ids=["empty", "nested", "escapes", "an integer of 20 characters", "brackets", "deepest"],
)
def test_an_object_is_returned_as_it_is(payload):
    assert parse_object(json.dumps(payload).encode()) == payload
    assert parse_object(json.dumps(payload, ensure_ascii=False).encode()) == payload
