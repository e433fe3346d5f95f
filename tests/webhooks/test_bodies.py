"""W-03 and W-07: what is no form within bounds is refused, and our own trouble is never called theirs."""

import io
from urllib.parse import urlencode

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.db import connections
from django.urls import resolve

from django_ihuyi.models import Recipient
from tests.api.test_databases import _database_down  # noqa: F401  (a fixture)
from tests.webhooks.conftest import FORM_TYPE, SECRET, receipt_form, row

RECEIPTS, REPLIES = f"/webhooks/receipts/{SECRET}/", f"/webhooks/replies/{SECRET}/"
FORM = "application/x-www-form-urlencoded"
FIELDS = {"smsid": "1", "mobilephone": "13800138000", "code": "2"}


def raw(form):
    """Write a form without encoding its bytes, as some programs do."""
    return "&".join(f"{name}={value}" for name, value in form.items()).encode("gbk")


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", [RECEIPTS, REPLIES])
def test_only_post_is_accepted(platform, message, path, method):
    query = f"?{urlencode(receipt_form(message))}"
    answer = platform.client.generic(method, path + query, HTTP_X_HTTP_METHOD_OVERRIDE="POST")

    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert row(message).state == "submitted"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/json", "multipart/form-data; boundary=x", f"{FORM}; charset=gbk", f"{FORM}x"],
)
def test_only_forms_in_utf_8_are_read(platform, message, content_type):
    answer = platform.post(RECEIPTS, urlencode(receipt_form(message)), content_type=content_type)

    assert answer.status_code == 415
    assert row(message).state == "submitted"


@pytest.mark.django_db
@pytest.mark.parametrize("content_type", [FORM, FORM_TYPE, FORM.upper(), f'{FORM}; charset="UTF8"'])
def test_a_form_may_name_its_charset(platform, message, content_type):
    assert platform.post(RECEIPTS, urlencode(receipt_form(message)), content_type=content_type).status_code == 200


@pytest.fixture
def _gbk(configure):
    configure(WEBHOOK_ENCODING="gbk")


# 丄 ends in the byte of an A, which an encoder leaves as it is.
@pytest.mark.django_db
@pytest.mark.usefixtures("_gbk")
@pytest.mark.parametrize("encode", [lambda form: urlencode(form, encoding="gbk"), raw], ids=["encoded", "raw"])
@pytest.mark.parametrize("content_type", [FORM, f"{FORM}; charset=GBK", f"{FORM}; charset=gb2312"])
def test_gbk_is_read_if_the_settings_name_it(platform, message, encode, content_type):
    receipt, reply = receipt_form(message, msg="投递失败丄"), {**FIELDS, "content": "退订"}

    answers = [
        platform.post(path, encode(form), content_type=content_type)
        for path, form in ((RECEIPTS, receipt), (REPLIES, reply))
    ]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert row(message).receipt_text == "投递失败丄"
    assert Recipient.objects.get().opted_out_at


@pytest.mark.django_db
@pytest.mark.usefixtures("_gbk")
@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        pytest.param("mobilephone=13800138000&code=2&smsid=1&msg=%FF", FORM, 400, id="no GBK, encoded"),
        pytest.param(b"mobilephone=13800138000&code=2&smsid=1&msg=\xff", FORM, 400, id="no GBK, raw"),
        pytest.param(urlencode(FIELDS), f"{FORM}; charset=utf-8", 415, id="says that it is UTF-8"),
    ],
)
def test_only_gbk_is_read_if_the_settings_name_it(platform, message, body, content_type, status, caplog):
    answer = platform.post(RECEIPTS, body, content_type=content_type)

    assert answer.status_code == status
    assert "GBK" in answer.content.decode()


# What is wrong with a body, and whether as a receipt or as a reply.
@pytest.mark.django_db
@pytest.mark.parametrize(
    "body",
    [
        pytest.param("", id="empty"),
        pytest.param("&" * 200, id="separators"),
        pytest.param("=" * 50, id="equals signs"),
        pytest.param("mobilephone=13800138000&code=2&content=x&smsid=%FF", id="no UTF-8, encoded"),
        pytest.param(b"mobilephone=13800138000&code=2&content=x&smsid=\xff", id="no UTF-8, raw"),
        pytest.param("mobilephone=13800138000&code=2&content=x&smsid=%ED%A0%80", id="half of a surrogate pair"),
        pytest.param(urlencode({**FIELDS, "content": "x"}) + "&code=0&content=y", id="a field twice"),
        pytest.param(urlencode(FIELDS | {"content": "x"} | {f"x{n}": "" for n in range(97)}), id="101 fields"),
        pytest.param(urlencode({**FIELDS, "content": "x", "smsid": "x" * 65}), id="long id"),
        pytest.param(urlencode({**FIELDS, "content": "x", "smsid": "1 2"}), id="id with a blank"),
        pytest.param(urlencode({**FIELDS, "content": "x", "smsid": "1\x00"}), id="id with NUL"),
        pytest.param(urlencode({**FIELDS, "content": "x", "mobilephone": ""}), id="no phone"),
        pytest.param(
            urlencode({**FIELDS, "content": "x", "mobilephone": "１３８００１３８０００"}), id="full-width phone"
        ),
        pytest.param(urlencode({**FIELDS, "content": "x", "mobilephone": "13800138000,13900139000"}), id="two phones"),
        pytest.param(urlencode({**FIELDS, "content": "x", "mobilephone": "9" * 60_000}), id="endless phone"),
    ],
)
@pytest.mark.parametrize("path", [RECEIPTS, REPLIES])
def test_a_wrong_form_is_refused(platform, message, path, body):
    answer = platform.post(path, body)

    assert answer.status_code == 400
    assert row(message).state == "submitted"


@pytest.mark.django_db
@pytest.mark.parametrize("missing", ["smsid", "mobilephone", "code"])
def test_a_receipt_needs_its_fields(platform, message, missing):
    form = receipt_form(message)
    del form[missing]

    assert platform.push("receipts", **form).status_code == 400


@pytest.mark.django_db
def test_of_100_fields_those_that_are_not_known_are_ignored(platform, message):
    form = receipt_form(message) | {f"x{number}": "y" for number in range(95)}

    assert (len(form), platform.push("receipts", **form).status_code) == (100, 200)


@pytest.mark.django_db
@pytest.mark.parametrize(("size", "status"), [(64 * 1024, 200), (64 * 1024 + 1, 413)])
def test_a_body_may_have_64_kib(platform, message, size, status):
    body = urlencode(receipt_form(message)) + "&more="
    answer = platform.post(RECEIPTS, body + "x" * (size - len(body)))

    assert answer.status_code == status


class Endless(io.RawIOBase):
    """A body that never ends, and counts what is read of it."""

    taken = 0

    def readable(self):
        return True

    def read(self, size=-1):
        assert 0 <= size <= 64 * 1024 + 1
        self.taken += size
        return b"x" * size


@pytest.mark.parametrize(
    ("declared", "status", "most"),
    [
        pytest.param("52428800", 413, 0, id="50 MB that say so"),
        pytest.param("65536", 400, 65536, id="a length that lies"),
        pytest.param("", 400, 0, id="no length"),
        pytest.param("-1", 400, 0, id="less than nothing"),
        pytest.param("9" * 30, 413, 65537, id="more than any number"),
    ],
)
def test_no_more_than_the_longest_body_is_read(settings, declared, status, most):
    stream = Endless()
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": RECEIPTS, "CONTENT_TYPE": FORM, "wsgi.input": stream}
    request = WSGIRequest({**environ, "CONTENT_LENGTH": declared, "SERVER_NAME": "x", "SERVER_PORT": "80"})

    answer = resolve(RECEIPTS).func(request, secret="***")

    assert answer.status_code == status
    assert stream.taken <= most


@pytest.mark.usefixtures("_database_down")
@pytest.mark.parametrize("kind", ["receipts", "replies"])
def test_a_database_out_of_reach_asks_for_another_push(platform, kind, caplog):
    answer = platform.push(kind, **FIELDS, content="TD")

    assert (answer.status_code, answer["Retry-After"], answer.content) == (503, "30", b"try again later")
    assert f"{kind}: the database fails with OperationalError" in caplog.messages


@pytest.mark.parametrize("path", [RECEIPTS, REPLIES, "/webhooks/receipts", "/webhooks/replies/"])
def test_the_views_stay_out_of_transactions_on_every_database(path):
    assert resolve(path).func._non_atomic_requests == set(connections)


@pytest.mark.django_db
def test_a_receipt_for_no_message_is_refused(platform, message):
    assert platform.post(RECEIPTS, urlencode({**FIELDS, "smsid": "0"})).status_code == 400
    assert row(message).state == "submitted"
