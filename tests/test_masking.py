"""Logs and error reports: what is secret is masked, and the rest is left as it is."""

import io
import json
import logging
import sys
import time
import traceback
from urllib.parse import quote, quote_plus

import pytest
from django.db import DataError
from django.test import RequestFactory
from django.utils.connection import ConnectionDoesNotExist
from django.utils.html import escapejs
from hypothesis import given
from hypothesis import strategies as st

from django_ihuyi.backends import BaseBackend
from django_ihuyi.masking import MaskingFilter, MaskingReporter, mask
from django_ihuyi.verification import verify_code
from tests.support.dispatchers import KEEPING, work
from tests.support.spellings import ACCEPTED, MASKED
from tests.support.use_cases import PHONE, send

KEY = "9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d"
PROOF = "Wm3kQ-Zy1xH_eB7Dw0cTnUpKf2RvJ8aLo5iXq9hM3EWm3kQ-Zy1xH_eB7Dw0cTnUp"[:64]

MARK = (PROOF * 2)[:88]


@pytest.fixture(autouse=True)
def _secrets(configure):
    options = {"account": "C12345678", "api_key": KEY}
    configure(
        CHANNELS={"sms": {"BACKEND": "django_ihuyi.backends.ihuyi.IhuyiBackend", "OPTIONS": options}},
        WEBHOOK_SECRETS=["Sg4mkQ-Zy1xH_eB7Dw0cTnUpKf2RvJ8aLo5iXq9hM3E"],
        TEST_NUMBERS={"+8613800138000": {"secret_code": "491827", "until": "2020-01-31", "name": "long over"}},
    )


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("to +8613800138000", "to 138****8000"),
        ("138 0013 8000, 138-0013-8000, 86 13800138000", "138****8000, 138****8000, 138****8000"),
        ("+447400123456", "+44****3456"),
        ("+44 7400 123456, 0044-7400-123456", "+44****3456, +44****3456"),
        ("+447400123456 after 1200 ms", "+44****3456 after 1200 ms"),
        ("attempt 1401 138 0013 8000 4080", "attempt 1401 138****8000 4080"),  # other digits on either side
        (f"{'138 00138 000'!r} and {chr(0x3000).join(('138', '0013', '8000'))!r}", "'138****8000' and '138****8000'"),
        (json.dumps("１３８００１３８０００"), '"138****8000"'),
        ("?q=%2B86+138+0013+8000&x=138%200013%208000", "?q=138****8000&x=138****8000"),
        ("①13800138000②13900139000", "①138****8000②139****9000"),  # marks of a list, which are digits to the fold
        (r"\u53f713800138000", r"\u53f7138****8000"),  # an escape that ends in a digit
        ("您的验证码是：１２３４５６。", "您的验证码是：***。"),
        ("tried 491827, ４９１８２７ and '491827'", "tried ***, *** and '***'"),  # a test number's
        (f"the key is {KEY}.", "the key is ***."),
        ("/webhooks/receipts/Sg4mkQ-Zy1xH_eB7Dw0cTnUpKf2RvJ8aLo5iXq9hM3E/", "/webhooks/receipts/***/"),
        (
            "mobile=13800138000&content=%E6%98%AF123456&password=0c5f&x=1",
            "mobile=138****8000&content=***&password=***&x=1",
        ),
        ("{'code': '123456', 'id': '7'}", "{'code': '***', 'id': '7'}"),
        ("&#x27;code&#x27;: &#x27;123456&#x27;", "&#x27;code&#x27;: &#x27;***&#x27;"),
        ("您的验证码是：123456。", "您的验证码是：***。"),
        (f"proof {PROOF}", "proof ***"),
        (f"proof={PROOF!r}\\n{PROOF}", "proof='***'\\n***"),
        (f"Cookie: a=1; ihuyi_device={MARK}.{MARK}; b=2", "Cookie: a=1; ihuyi_device=***.***; b=2"),
        (json.dumps({"device": MARK}), '{"device": "***"}'),
        (f"device%3D{MARK}%2E{MARK}", "device%3D***%2E***"),
        (f"&#x27;{MARK}&#x27;", "&#x27;***&#x27;"),
    ],
)
def test_what_is_secret_is_masked(text, masked):
    assert mask(text) == masked


ESCAPES = {
    "as it is": str,
    "repr": repr,
    "ascii": ascii,
    "JSON": json.dumps,
    "JavaScript": escapejs,
    "address": quote,
    "form": quote_plus,
}


@pytest.mark.parametrize("spelling", ACCEPTED.values(), ids=ACCEPTED)
@pytest.mark.parametrize("escape", ESCAPES.values(), ids=ESCAPES)
def test_a_number_is_masked_in_every_spelling_that_is_accepted(spelling, escape):
    before, after = escape("１－２ 号"), escape("１２ －")

    assert mask(f"{before}{escape(spelling.strip())}, {after}") == f"{before}{masked_in(escape)}, {after}"


def masked_in(escape):
    return escape("x").replace("x", MASKED)


@pytest.mark.parametrize("spelling", ACCEPTED.values(), ids=ACCEPTED)
def test_the_log_masks_every_spelling_that_is_accepted(log, spelling):
    log.error("to '%s' and %r", spelling.strip(), {spelling.strip(): 1})

    assert log.read() == f"to '{MASKED}' and {{'{MASKED}': 1}} \n"


@pytest.mark.parametrize("spelling", ACCEPTED.values(), ids=ACCEPTED)
def test_an_error_report_masks_every_spelling_that_is_accepted(spelling):
    text = spelling.strip()

    try:
        raise KeyError(text)
    except KeyError:
        reporter = MaskingReporter(RequestFactory().get("/", {"phone": text}), *sys.exc_info())

    for report in (reporter.get_traceback_text(), reporter.get_traceback_html()):
        assert [form for form in (text, quote(text), quote_plus(text), repr(text)) if form in report] == []
        assert report.count(MASKED) >= 3


@pytest.mark.parametrize(
    "repeated", ["+", "0", "0 ", "1", "1-", "13800138000 ", "１", r"\xa0", "%20", "%C3", "００ ", "code "]
)
def test_a_hostile_text_is_searched_in_linear_time(repeated):
    """Quadratic time would be a thousand times as much."""
    began = time.process_time()
    mask(repeated * (200_000 // len(repeated)))

    assert time.process_time() - began < 10


@given(
    st.lists(st.sampled_from(["", " ", "-", "--", " - ", "\u3000"]), min_size=15, max_size=15),
    st.lists(st.sampled_from([ord("0"), ord("０"), ord("𝟘")]), min_size=15, max_size=15),
)
def test_a_number_is_masked_however_it_is_grouped(gaps, zeros):
    digits = [chr(zero + int(digit)) for zero, digit in zip(zeros, "008613800138000", strict=True)]
    spelling = "".join(digit + gap for digit, gap in zip(digits, gaps, strict=True)).rstrip(" -\u3000")
    assert mask(f"'{spelling}'") == f"'{MASKED}'"


@pytest.mark.parametrize(
    "text",
    [
        "message 123456 on sms is refused: 4080",
        "result code 40501",
        "0.491827 4918270 a491827",
        "1790000000000 ms",  # no number, although one stands in it
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",  # a digest, as long as a proof
        "2026-11-27T07:20:57.123456+00:00",
        "[27/Nov/2026 15:00:00 1234567] 0.001234567 a001234567",
        "１００元，１２３４５６",
        r"\x1b\u000a\u4e00\ud83d\U0001f600",
    ],
)
def test_what_is_not_is_left_alone(text):
    assert mask(text) == text


@pytest.fixture
def log():
    """A logger with the filter on its handler; `log.read()` is what it wrote."""
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(logging.Formatter("%(message)s %(sql)s", defaults={"sql": ""}))
    handler.addFilter(MaskingFilter())
    logger = logging.Logger("host")
    logger.addHandler(handler)
    logger.read = handler.stream.getvalue
    return logger


def test_a_log_masks_arguments_tracebacks_and_extra(log):
    try:
        raise KeyError("13800138000")
    except KeyError:
        log.exception("to %s", "13900139000", extra={"sql": ("SELECT", "13700137000")}, stack_info=True)

    written = log.read()
    assert "to 139****9000 ('SELECT', '137****7000')" in written
    assert "KeyError: '138****8000'" in written


def test_arguments_that_do_not_fit_are_written_all_the_same(log, capsys):
    log.error("to %d", "13800138000")

    assert log.read().startswith("to %d % ('138****8000',)")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "wrong", [{"IHUYI": None}, {"IHUYI": {"CHANNELS": 3, "TEST_NUMBERS": {"1": 3}}}, {"SECRET_KEY": ""}]
)
def test_a_site_that_is_set_up_wrong_writes_its_log(log, settings, wrong):
    for name, value in wrong.items():
        setattr(settings, name, value)

    log.error("it goes on")

    assert log.read() == "it goes on \n"


@pytest.mark.parametrize("debug", [True, False])
def test_a_report_shows_no_variable_of_ours_and_masks_those_of_the_host(settings, debug):
    settings.DEBUG = debug
    phone, backwards = "to 13800138000", "07654321"

    try:
        verify_code("0" * 32, backwards[::-1], using="nowhere")
    except ConnectionDoesNotExist:
        page = MaskingReporter(RequestFactory().get("/"), *sys.exc_info()).get_traceback_html()

    assert "07654321" in page
    assert "to 138****8000" in page
    assert (phone in page, backwards[::-1] in page) == (False, False)


@pytest.mark.parametrize("report", ["get_traceback_html", "get_traceback_text"])
def test_a_report_shows_no_code_that_a_view_of_the_host_was_given(report):
    page = getattr(MaskingReporter(*fail_in_a_view()), report)()

    assert ("654321" in page, "20261127" in page) == (False, True)


def fail_in_a_view():
    """Fail as a view of the host that takes a code from a form, and finds no verification in its session."""
    request = RequestFactory().post("/", {"code": "123456"[::-1], "day": "72116202"[::-1]})
    code, day = request.POST["code"], request.POST["day"]
    try:
        verify_code({day: "nothing"}["verification_id"], code)
    except KeyError:
        return (request, *sys.exc_info())


class QuotingBackend(BaseBackend):
    """Fails as a database does that quotes what it was given."""

    def submit(self, phone, text):
        raise DataError(f"wrong\nDETAIL:  Failing row contains (1, {phone}).")


@pytest.mark.django_db
def test_a_task_that_fails_leaves_no_number_with_its_queue(configure):
    configure(CHANNELS={"sms": {"BACKEND": f"{__name__}.QuotingBackend"}}, DISPATCHER=KEEPING)
    send()

    with pytest.raises(DataError) as failure:
        work()

    kept = "".join(traceback.format_exception(failure.value))
    assert "Failing row contains (1, 138****8000)." in kept
    assert PHONE[3:] not in kept
