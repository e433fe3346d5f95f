"""Device marks over HTTP: browsers hold them in a cookie, apps in a member, and nothing else ever shows them."""

import json
import logging
import sys

import pytest
from django.core.signals import got_request_exception
from django.test import RequestFactory
from django.utils import timezone
from django.views.debug import ExceptionReporter

from django_ihuyi import masking
from django_ihuyi.models import Message, Recipient, Verification
from django_ihuyi.models.idempotency_keys import IdempotencyKey
from django_ihuyi.verification import marks
from tests.api.conftest import Caller
from tests.support.database_dump import dump
from tests.support.time_travel import let_pass
from tests.support.use_cases import PHONE, other_than

pytestmark = pytest.mark.django_db

COOKIE = "ihuyi_device"
KEYED = {"HTTP_IDEMPOTENCY_KEY": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
FORGED = "A" * 88
#: Any JSON value that is no mark.
NONSENSE = ["", " ", None, 7, 1.5, True, [], ["x"], {}, {"device": "x"}, "x", FORGED, "é\0\n", "." * 2000, "A" * 5000]


def verify(api, issued, code, **members):
    body = {"verification_id": issued.json()["verification_id"], "code": code}
    rest = members.pop("rest", {})
    return api.post("verify-code/", json.dumps(body | members), **rest)


def log_in(api, sent, phone=PHONE, **members):
    """Send a code and verify it; let the limits of messages count anew."""
    issued = api.send(phone)
    answer = verify(api, issued, sent[-1].code, **members)
    Message.objects.all().delete()
    assert answer.status_code == 200
    return answer


def lock_out():
    """Let strangers fail ten times in a row."""
    failed = {"login": {"failed_at": [timezone.now().timestamp()] * 10, "in_a_row": 10}}
    Recipient.objects.update(guesses=failed)


def held_by(api):
    return api.client.cookies[COOKIE].value.split(".")


# What is given


def test_a_browser_gets_a_mark_in_a_cookie_that_scripts_and_other_sites_cannot_use(api, sent):
    answer = log_in(api, sent)

    morsel = answer.cookies[COOKIE]
    assert {name: value for name, value in morsel.items() if value and name != "expires"} == {
        "httponly": True,
        "secure": True,
        "samesite": "Lax",
        "path": "/",
        "max-age": 90 * 24 * 60 * 60,
    }
    [mark] = marks.read_of(PHONE, morsel.value)
    assert mark.issued_at == Verification.objects.get().verified_at


def test_a_page_never_sees_a_mark(api, sent):
    answer = log_in(api, sent)

    assert set(answer.json()) == {"proof", "phone", "purpose", "expires_in"}
    assert answer.cookies[COOKIE].value.encode() not in answer.content


@pytest.mark.parametrize("value", NONSENSE, ids=repr)
def test_an_app_gets_a_mark_if_it_names_the_member_whatever_it_holds(api, sent, value):
    answer = log_in(api, sent, device=value)

    assert list(answer.json()) == ["proof", "phone", "purpose", "expires_in", "device"]
    assert answer.json()["device"] == answer.cookies[COOKIE].value


@pytest.mark.parametrize("value", NONSENSE, ids=repr)
def test_what_is_no_mark_is_none_and_no_error(api, sent, value):
    api.client.cookies[COOKIE] = str(value).replace("\0", "").replace("\n", "")
    issued = api.send(members={"device": value})
    wrong = verify(api, issued, other_than(sent[-1].code), device=value)
    lock_out()

    limited = verify(api, issued, sent[-1].code, device=value)

    assert (issued.status_code, wrong.json()["code"], limited.json()["code"]) == (202, "code_wrong", "guess_limit")
    assert "device" not in issued.json()


def test_no_refusal_and_no_202_sets_the_cookie_or_has_the_member(api, sent):
    issued = api.send(members={"device": ""})
    answers = [issued, verify(api, issued, other_than(sent[-1].code), device=""), api.send(members={"device": ""})]

    assert [answer.status_code for answer in answers] == [202, 400, 429]
    assert [(dict(answer.cookies), "device" in answer.json()) for answer in answers] == [({}, False)] * 3


# What it helps


@pytest.mark.parametrize("way", ["cookie", "member", "both, one of them nonsense"])
def test_a_marked_client_gets_and_verifies_codes_while_strangers_are_locked_out(api, sent, way):
    device = log_in(api, sent, device="").json()["device"]
    members = {"cookie": {}, "member": {"device": device}, "both, one of them nonsense": {"device": FORGED}}[way]
    if way == "member":
        api = Caller()
    lock_out()

    issued = api.send(members=members)
    stranger = verify(Caller(), issued, sent[-1].code)
    answer = verify(api, issued, sent[-1].code, **members)

    assert (issued.status_code, stranger.json()["code"], answer.status_code) == (202, "guess_limit", 200)


def test_a_mark_of_one_phone_does_not_help_another(api, sent):
    log_in(api, sent, "13900139000")
    issued = api.send()
    lock_out()

    assert verify(api, issued, sent[-1].code).json()["code"] == "guess_limit"
    Message.objects.all().delete()
    assert api.send().json()["code"] == "guess_limit"


# What the cookie holds


def test_the_cookie_holds_the_marks_of_the_last_three_phones(api, sent):
    phones = [f"1390013900{number}" for number in range(4)]
    for phone in phones:
        log_in(api, sent, phone)

    held = held_by(api)
    assert [bool(marks.read_of(f"+86{phone}", mark)) for phone, mark in zip(phones[:0:-1], held, strict=True)] == [
        True
    ] * 3


def test_a_new_mark_replaces_the_one_of_the_same_phone(api, sent):
    log_in(api, sent, "13900139000")
    log_in(api, sent)
    other, first = held_by(api)[1], held_by(api)[0]

    log_in(api, sent)

    assert (len(held_by(api)), held_by(api)[1], first in held_by(api)) == (2, other, False)


def test_a_mark_of_an_old_key_is_replaced_too(api, sent, settings):
    log_in(api, sent)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a-new-secret-key-of-more-than-32-bytes"

    log_in(api, sent)

    assert len(held_by(api)) == 1


def test_what_is_no_mark_leaves_the_cookie(api, sent):
    log_in(api, sent, "13900139000")
    other = held_by(api)[0]
    api.client.cookies[COOKIE] = f"{FORGED}.nonsense.{other[:-1]}.{other}"

    log_in(api, sent)

    assert held_by(api)[1:] == [other]


# Repeated requests


@pytest.mark.parametrize(
    ("first", "again"),
    [({}, {}), ({}, {"device": ""}), ({"device": ""}, {}), ({"device": ""}, {"device": FORGED})],
    ids=["page", "page, then with it", "app, then without it", "app, with a newer mark"],
)
def test_a_repeated_answer_is_the_same_and_sets_the_cookie_again(api, sent, first, again):
    issued = api.send()

    answers = [verify(api, issued, sent[-1].code, **members, rest=KEYED) for members in (first, again, again)]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert len({answer.content for answer in answers}) == 1
    assert ("device" in answers[0].json()) == bool(first)
    assert len({answer.cookies[COOKIE].value for answer in answers}) == 1


def test_a_repeated_send_and_a_repeated_wrong_guess_may_come_with_another_mark(api, sent):
    sends = [api.send(members=members, **KEYED) for members in ({}, {"device": ""}, {"device": FORGED})]
    wrong = other_than(sent[-1].code)
    guesses = [verify(api, sends[0], wrong, device=device, rest=KEYED) for device in ("", FORGED)]

    assert [answer.status_code for answer in [*sends, *guesses]] == [202] * 3 + [400] * 2
    assert len({answer.content for answer in sends}) == len({answer.content for answer in guesses}) == 1
    assert (len(sent), Verification.objects.get().attempts) == (1, 1)


def test_no_stored_answer_and_no_other_column_has_a_mark(api, sent):
    issued = api.send(members={"device": ""})
    device = verify(api, issued, sent[-1].code, device="", rest=KEYED).json()["device"]
    Message.objects.all().delete()
    issued = api.send(members={"device": device})
    verify(api, issued, other_than(sent[-1].code), device=device)

    assert json.loads(IdempotencyKey.objects.get().answer)["device"] == ""
    assert Recipient.objects.get().mark_failures
    assert (device in dump(), device[-43:] in dump()) == (False, False)


def test_no_mark_is_repeated_after_a_minute(api, sent):
    issued = api.send()
    verify(api, issued, sent[-1].code, device="", rest=KEYED)
    let_pass(seconds=61)

    late = verify(api, issued, sent[-1].code, device="", rest=KEYED)

    assert (late.json()["code"], dict(late.cookies)) == ("code_expired", {})


# Where it must not stand


@pytest.fixture
def reports():
    """The error reports of requests that crash, as pages and as texts: Django's own, and ours."""
    made = []

    def report(sender, request, **rest):
        for reporter in (ExceptionReporter, masking.MaskingReporter):
            crash = reporter(request, *sys.exc_info())
            made.extend([crash.get_traceback_html(), crash.get_traceback_text()])

    got_request_exception.connect(report)
    yield made
    got_request_exception.disconnect(report)


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("path", ["send-code/", "verify-code/"])
def test_an_error_report_about_our_views_shows_no_mark(api, sent, ihuyi, settings, reports, debug, path):
    device = log_in(api, sent, device="").json()["device"]
    issued = api.send()
    settings.DEBUG = debug
    ihuyi(MAX_ATTEMPTS="five", RESEND_INTERVAL="one")  # fail when they are compared with numbers
    members = {"verification_id": issued.json()["verification_id"], "code": "123456", "phone": PHONE}

    body = json.dumps({**members, "purpose": "login", "device": device})
    crashed = api.client.post(f"/api/phone/{path}", body, content_type="application/json")

    # With DEBUG on, Django's own report shows all variables.
    looked_at = reports[2:] if debug else reports
    assert (crashed.status_code, len(reports)) == (500, 4)
    assert ["django_ihuyi/verification/" in report for report in looked_at] == [True] * len(looked_at)
    assert shown(device, looked_at) == []


@pytest.mark.parametrize("debug", [True, False])
def test_an_error_report_about_a_view_of_the_host_shows_no_mark(api, sent, settings, debug):
    device = log_in(api, sent, device="").json()["device"]
    settings.DEBUG = debug
    request = RequestFactory().post("/", {"device": device}, headers={"Cookie": f"a=1; {COOKIE}={device}; b=2"})

    try:
        raise RuntimeError(f"{request.COOKIES} {request.META['HTTP_COOKIE']}")
    except RuntimeError:
        crash = masking.MaskingReporter(request, *sys.exc_info())
        reports = [crash.get_traceback_html(), crash.get_traceback_text()]

    assert [COOKIE in report for report in reports] == [True, True]
    assert shown(device, reports) == []


def shown(device, reports):
    """Return the parts of a mark that are found in the reports."""
    return [part for part in (device, device[:40], device[-43:]) for report in reports if part in report]


def test_the_log_has_no_mark(api, sent, caplog):
    with caplog.at_level(logging.DEBUG):
        device = log_in(api, sent, device="").json()["device"]
        for _ in range(2):
            api.send(members={"device": device})

    assert [record for record in caplog.records if device in record.getMessage()] == []
    assert masking.mask(f"{COOKIE}={device}") == f"{COOKIE}=***"
