"""F10: whatever arrives, nothing is answered with a 5xx, and nothing but JSON is looked at."""

import json
import time
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.conftest import NOBODYS_ID, Caller
from tests.api.test_parsers import REFUSED

ENDPOINTS = ["send-code/", "verify-code/"]
VALID = json.dumps({"phone": "13800138000", "purpose": "login"})
EXAMPLES = settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])

pytestmark = pytest.mark.django_db

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40)
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=10), inner))
fields = st.sampled_from(["phone", "purpose", "verification_id", "channel", "code", "captcha"]) | st.text(max_size=10)
likely = st.sampled_from(["13800138000", "login", "sms", "voice", "marketing", NOBODYS_ID, "123456", "\x00", "١٢٣٤٥٦"])
bodies = st.dictionaries(fields, values | likely).map(json.dumps) | values.map(json.dumps)


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_a_body_that_is_not_a_json_object_is_refused(api, path, body):
    refused = api.post(path, body)

    assert refused.json() == {
        "type": "about:blank",
        "title": "Bad request",
        "status": 400,
        "detail": "Some fields are missing or wrong.",
        "code": "invalid",
        "errors": [
            {
                "field": "",
                "code": "json",
                "detail": "The body must be one JSON object: no key twice, no NaN, not nested deep.",
            }
        ],
    }


def test_without_a_body_the_fields_are_missing(api):
    errors = api.post("send-code/", b"").json()["errors"]

    assert errors == [
        {"field": field, "code": "required", "detail": "This field is required."} for field in ("phone", "purpose")
    ]


def test_every_wrong_field_is_named(api):
    phone = [None, 13800138000, 1.38e10, True, ["13800138000"], {"a": 1}, "", "1380013800", "x" * 10_000]
    codes = [api.send(value, "none", members={"channel": "marketing"}) for value in phone[:-1]]

    assert [[(error["field"], error["code"]) for error in answer.json()["errors"]] for answer in codes] == [
        [("phone", code), ("purpose", "invalid_choice"), ("channel", "invalid_choice")]
        for code in ("null", "invalid", "invalid", "invalid", "invalid", "invalid", "blank", "invalid")
    ]
    assert api.send(phone[-1]).status_code == 413


def test_a_body_of_8_kib_is_read_and_one_byte_more_is_not(api):
    largest = VALID.ljust(8 * 1024)

    read, refused = api.post("send-code/", largest), api.post("send-code/", largest + " ")

    assert (read.status_code, refused.status_code, refused.json()["code"]) == (202, 413, "too_large")


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "*/*",
        "application/*",
        "text/json",
        "application/problem+json",
        "application/jsonp",
        "application/json; charset=gbk",
        "application/json; charset=utf-16",
        "application/json, text/plain",
        "application/json" + "x" * 5_000,
    ],
)
@pytest.mark.parametrize("body", [VALID, ""], ids=["body", "empty"])
@pytest.mark.parametrize("path", ENDPOINTS)
def test_anything_but_json_is_refused(api, sent, path, body, content_type):
    refused = api.post(path, body, content_type=content_type)

    assert (refused.status_code, refused.json()["code"]) == (415, "unsupported_media_type")
    assert sent == []


@pytest.mark.parametrize(
    "content_type", ["application/json;charset=UTF-8", "Application/JSON", 'application/json; charset="utf-8"']
)
def test_a_content_type_may_name_utf_8(api, content_type):
    assert api.post("send-code/", VALID, content_type=content_type).status_code == 202


INPUTS = {"path": st.sampled_from(ENDPOINTS), "body": st.binary(max_size=200) | bodies.map(str.encode)}


def test_no_input_is_answered_with_a_server_error(db, figure):
    """F10, by raw bytes and by every shape of JSON that hypothesis thinks of."""
    api = Caller()
    statuses = []

    @EXAMPLES
    @given(**INPUTS)
    def ask(path, body):
        statuses.append(api.post(path, body).status_code)

    ask()
    statuses += [api.post(path, body).status_code for path in ENDPOINTS for body in REFUSED.values()]

    failed = [status for status in statuses if status >= 500]
    figure("F10", f"{len(failed)} of {len(statuses)} malformed inputs answered with 5xx")
    assert failed == []


@pytest.mark.proof
@pytest.mark.timed
def test_every_input_is_answered_in_less_than_two_seconds(db):
    """F10: as above, by the clock."""
    api = Caller()

    @EXAMPLES
    @given(**INPUTS)
    def ask(path, body):
        started = time.monotonic()
        api.post(path, body)
        assert time.monotonic() - started < 2

    ask()


@EXAMPLES
@given(
    text=st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), min_size=1, max_size=60)
    | st.from_regex(r"[0-9a-fA-F-]{30,38}", fullmatch=True)
)
def test_no_id_is_answered_with_a_server_error(api, text):
    assert api.status(quote(text, safe="")).status_code == 404
