"""Test numbers: nothing is sent to them, their code is fixed, and they end."""

import io
import logging
import sys
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.test import RequestFactory
from django.views.debug import ExceptionReporter

from django_ihuyi import delivery
from django_ihuyi.exceptions import LimitReached
from django_ihuyi.models import Message, Recipient, Verification
from django_ihuyi.phones import fixed_codes
from django_ihuyi.verification import Status, VerdictOutcome, get_status, verify_code
from tests.guards.test_guards import First, heard, path
from tests.support import dispatchers
from tests.support.database_dump import dump
from tests.support.policies import STRANGER
from tests.support.time_travel import let_pass
from tests.support.use_cases import PHONE, failing, guess, open_circuit_breaker, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("outbox", "_test_number")]

CODE = "491827"


def in_days(days):
    return str(fixed_codes.today() + timedelta(days=days))


def entry(**chosen):
    return {"secret_code": CODE, "until": in_days(7), "name": "App Store review", **chosen}


@pytest.fixture
def _test_number(configure):
    configure(TEST_NUMBERS={"138 0013 8000": entry()})


def test_the_fixed_code_is_right_once_and_nothing_was_sent(outbox):
    issued = send()
    verdict = guess(issued, CODE)

    assert (verdict.outcome, verdict.phone, list(outbox)) == (VerdictOutcome.RIGHT, PHONE, [])
    assert guess(issued, CODE).outcome is VerdictOutcome.EXPIRED
    assert Verification.objects.get().code == ""


def test_any_other_number_has_a_code_of_its_own(outbox):
    issued = send(STRANGER)

    assert (outbox[-1].phone, outbox[-1].code == CODE) == (STRANGER, False)
    assert guess(issued, CODE).outcome is VerdictOutcome.WRONG


def test_the_send_log_shows_an_unsent_message_with_the_name_of_the_entry():
    send()

    message = Message.objects.get()
    assert (message.state, message.counted, message.fault, message.result_text) == (
        "unsent",
        False,
        "test_number",
        "App Store review",
    )
    assert message.finished_at == message.created_at


def test_a_page_that_waits_for_the_message_goes_on_waiting_for_the_code():
    issued = send()

    found = get_status(issued.verification_id)
    assert found == Status(
        state="pending",
        delivery="pending",
        phone=PHONE,
        purpose="login",
        expires_in=found.expires_in,
        resend_in=0,
        attempts_left=5,
    )


def test_no_limit_counts_messages_to_a_test_number():
    issued = [send() for _ in range(7)]

    assert guess(issued[-1], CODE).outcome is VerdictOutcome.RIGHT


def test_guesses_are_limited_as_for_any_number():
    issued = send()
    outcomes = [guess(issued, "000000").outcome for _ in range(5)]

    assert outcomes == [VerdictOutcome.WRONG] * 5
    assert guess(issued, CODE).outcome is VerdictOutcome.EXHAUSTED


def test_ten_wrong_guesses_close_it_and_codes_are_refused():
    for issued in (send(), send()):
        for _ in range(5):
            guess(issued, "000000")

    with pytest.raises(LimitReached) as refusal:
        send()

    assert refusal.value.code == "guess_limit"


def test_a_resend_and_a_call_bring_the_same_verification(configure, settings):
    configure(CHANNELS={**settings.IHUYI["CHANNELS"], "voice": settings.IHUYI["CHANNELS"]["sms"]})
    issued = send()

    again = send(verification_id=issued.verification_id)
    spoken = send(verification_id=issued.verification_id, channel="voice")

    assert {again.verification_id, spoken.verification_id} == {issued.verification_id}


def test_the_platform_need_not_work(configure):
    configure(CHANNELS=failing(outcome="unsent"))
    open_circuit_breaker()

    assert guess(send(), CODE).outcome is VerdictOutcome.RIGHT


@pytest.mark.usefixtures("_empty_queue")
def test_nothing_is_put_into_a_queue(configure):
    configure(DISPATCHER=dispatchers.KEEPING)

    send()

    assert dispatchers.queue == []


@pytest.fixture
def _empty_queue():
    dispatchers.queue.clear()
    yield
    dispatchers.queue.clear()


@pytest.mark.usefixtures("_empty_queue")
def test_a_message_that_was_queued_before_is_not_sent_either(configure, outbox, settings):
    configure(DISPATCHER=dispatchers.KEEPING, TEST_NUMBERS={})
    send()
    configure(TEST_NUMBERS={PHONE: entry()})

    dispatchers.work()

    message = Message.objects.get()
    assert (list(outbox), message.state, message.fault) == ([], "unsent", "test_number")


def test_a_notice_is_not_sent_either(configure, outbox):
    configure(TEMPLATES={"code": {"TEXT": "{code}"}, "shipped": {"TEXT": "{1}"}})

    message = delivery.send(PHONE, template="shipped", variables=["A17"])

    assert (list(outbox), message.state, message.fault) == ([], "unsent", "test_number")


def test_the_counts_of_guards_are_given_back(configure):
    configure(GUARDS=[path(First)])
    heard.clear()

    send()

    assert [word[1] for word in heard] == ["check", "give_back"]


def test_after_its_last_day_it_is_a_number_like_any_other(configure, outbox):
    configure(TEST_NUMBERS={PHONE: entry(until=in_days(-1))})

    issued = send()

    assert guess(issued, outbox[-1].code).outcome is VerdictOutcome.RIGHT


def test_on_its_last_day_it_still_holds(configure):
    configure(TEST_NUMBERS={PHONE: entry(until=in_days(0))})

    assert guess(send(), CODE).outcome is VerdictOutcome.RIGHT


def test_a_verification_that_lives_when_it_ends_can_be_ended_by_nobody(configure, outbox):
    """The code that it has from then on was never sent, and the fixed one is wrong."""
    issued = send()
    configure(TEST_NUMBERS={PHONE: entry(until=in_days(-1))})

    assert guess(issued, CODE).outcome is VerdictOutcome.WRONG
    assert list(outbox) == []


@pytest.mark.parametrize("missing", ["name", "until"])
def test_with_debug_off_an_entry_without_name_or_date_does_not_hold(configure, outbox, missing):
    configure(TEST_NUMBERS={PHONE: entry(**{missing: ""})})

    issued = send()

    assert (len(outbox), guess(issued, CODE).outcome) == (1, VerdictOutcome.WRONG)


def test_with_debug_on_an_entry_needs_its_code_only(configure, outbox, settings):
    settings.DEBUG = True
    configure(TEST_NUMBERS={PHONE: {"secret_code": CODE}})

    assert (guess(send(), CODE).outcome, list(outbox)) == (VerdictOutcome.RIGHT, [])


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"secret_code": "4918"}, id="too short a code"),
        pytest.param({"until": "soon"}, id="no date"),
        pytest.param({"code": CODE}, id="an unknown key"),
    ],
)
def test_an_entry_that_cannot_be_read_does_not_hold(configure, outbox, wrong):
    configure(TEST_NUMBERS={PHONE: entry(**wrong)})

    send()

    assert len(outbox) == 1


def test_its_code_is_in_no_row_no_log_no_repr_and_no_error_report(caplog):
    caplog.set_level(logging.DEBUG)
    issued = send()
    guess(issued, "000000")
    verification = Verification.objects.select_related("recipient").get()
    told = [dump(), caplog.text, repr(issued), repr(verification), repr(fixed_codes.find(PHONE)), report()]
    guess(issued, CODE)

    assert verification.code == CODE
    assert [text for text in [*told, dump(), caplog.text] if CODE in text] == []


def report():
    """Return what Django mails to ADMINS of an error, which holds all settings."""
    try:
        verify_code("no id", "")
        raise ValueError("an error of the host's")
    except ValueError:
        reporter = ExceptionReporter(RequestFactory().get("/"), *sys.exc_info())
        return reporter.get_traceback_text() + reporter.get_traceback_html()


def test_the_doctor_lists_it_masked():
    told = io.StringIO()
    call_command("ihuyi_doctor", stdout=told)

    [line] = [line for line in told.getvalue().splitlines() if "test numbers:" in line]
    assert f"Nothing is sent to 138****8000, whose code is fixed until {in_days(7)}: App Store review." in line


def test_it_is_remembered_like_any_number():
    guess(send(), CODE)
    let_pass(days=89)

    assert Verification.objects.verified_within(PHONE, days=90).count() == 1
    assert Recipient.objects.get().phone == PHONE
