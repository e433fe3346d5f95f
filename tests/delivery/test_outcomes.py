"""How a message ends: what is written, logged and learned of each outcome of a call, and what its caller is told."""

import logging

import pytest

from django_ihuyi import exceptions
from django_ihuyi.backends.locmem import LocmemBackend
from django_ihuyi.client.outcomes import FAULTS, Submission
from django_ihuyi.client.results import CATALOGUE, Actor, ResultKind
from django_ihuyi.models import Message, Recipient
from django_ihuyi.verification import VerdictOutcome
from tests.support.time_travel import let_pass
from tests.support.use_cases import failing, guess_right, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("outbox")]


# What the backend does, and: the message's state, whether it stays counted, what the caller is told.
OUTCOMES = {
    "accepted": ({}, "submitted", True, None),
    "unknown": ({"outcome": "unknown"}, "unknown", True, None),
    "unsent": ({"outcome": "unsent"}, "unsent", False, ("sending_unavailable", 5)),
    "refused: content": ({"outcome": "refused", "result_code": 4072}, "refused", False, ("sending_unavailable", 60)),
    "refused: number": ({"outcome": "refused", "result_code": 406}, "refused", False, ("number_refused", None)),
}


@pytest.mark.parametrize(("options", "state", "counted", "told"), OUTCOMES.values(), ids=OUTCOMES.keys())
def test_each_outcome_of_a_call_is_logged_and_told(configure, options, state, counted, told):
    configure(CHANNELS=failing(**options))

    assert describe_send() == told
    message = Message.objects.get()
    assert (message.state, message.counted) == (state, counted)
    assert message.finished_at >= message.created_at


def describe_send(**arguments):
    """Return the (code, retry_after) that a send was refused with, None if it was not."""
    try:
        send(**arguments)
    except exceptions.NotSent as refusal:
        return refusal.code, getattr(refusal, "retry_after", None)


UNAVAILABLE = ("sending_unavailable", 60)


# The kind of a result code, and: what the caller is told, and whether the claim stays. LESSONS says it of limits.
KINDS = {
    ResultKind.THROTTLED: (None, True),
    ResultKind.QUOTA: (None, True),
    ResultKind.SUPPRESSED: (("number_limit", 86_400), True),
    ResultKind.NUMBER: (("number_refused", None), False),
    ResultKind.CONTENT: (UNAVAILABLE, False),
    ResultKind.ACCOUNT: (UNAVAILABLE, False),
    ResultKind.CLOCK: (UNAVAILABLE, False),
    ResultKind.REQUEST: (UNAVAILABLE, False),
    ResultKind.GENERIC: (UNAVAILABLE, False),
}


REFUSALS = {code: entry.kind for code, entry in CATALOGUE.items() if entry.kind is not ResultKind.SUCCESS}


@pytest.mark.parametrize(("result_code", "kind"), [*REFUSALS.items(), (99_999, ResultKind.GENERIC)])
def test_every_result_code_is_logged_and_answered_as_its_kind_wants(configure, result_code, kind):
    told, counted = KINDS[kind]
    configure(CHANNELS=failing(outcome="refused", result_code=result_code))

    assert describe_send() == (told or told_of(result_code))
    message = Message.objects.get()
    assert (message.state, message.result_code, message.counted) == ("refused", result_code, counted)


MINUTE, DAY = 60, 86_400
LESSONS = {
    4080: ("wait_until", 2),
    4010: ("wait_until", MINUTE),
    4081: ("wait_until", MINUTE),
    4083: ("wait_until", MINUTE),
    4086: ("wait_until", 2 * MINUTE),
    4082: ("full_until", DAY),
    4084: ("full_until", DAY),
    4085: ("code_full_until", DAY),
}


@pytest.mark.parametrize(("result_code", "field", "pause"), [(code, *lesson) for code, lesson in LESSONS.items()])
def test_the_recipient_learns_how_long_the_platform_wants_to_hear_nothing(configure, result_code, field, pause):
    configure(CHANNELS=failing(outcome="refused", result_code=result_code))
    describe_send()

    recipient, message = Recipient.objects.get(), Message.objects.get()
    learned = {name: getattr(recipient, name) for name in ("wait_until", "full_until", "code_full_until")}
    moment = learned.pop(field)
    assert (moment - message.finished_at).total_seconds() == pytest.approx(pause, abs=1)
    assert set(learned.values()) == {None}
    assert recipient.suppressed_at is None


def told_of(result_code):
    """Return what a caller is told of a lesson."""
    field, pause = LESSONS[result_code]
    return "resend_too_soon" if field == "wait_until" else "number_limit", pause


@pytest.mark.parametrize("result_code", LESSONS)
def test_a_send_after_the_platforms_pause_is_served(configure, result_code):
    configure(CHANNELS=failing(outcome="refused", result_code=result_code))
    code, wait = describe_send()
    configure(CHANNELS=failing())

    let_pass(seconds=wait - 1)
    assert describe_send()[0] == code
    let_pass(seconds=1)
    assert describe_send() is None


@pytest.mark.parametrize("result_code", [408, 4030])
def test_a_number_on_the_platforms_blacklist_gets_nothing_more_until_somebody_lifts_it(configure, result_code):
    configure(CHANNELS=failing(outcome="refused", result_code=result_code))
    describe_send()
    configure(CHANNELS=failing())
    let_pass(days=30)

    assert describe_send() == ("number_limit", 86_400)
    recipient = Recipient.objects.get()
    assert recipient.suppressed_code == result_code
    recipient.lift_suppression()
    assert describe_send() is None


STAFF = {Actor.OPERATOR, Actor.DEVELOPER}


# The log of a message that did not leave, by who must act: for a fault that is nobody unless the way is wrong.
LOUD = {code: entry.actor in STAFF for code, entry in CATALOGUE.items() if entry.kind is not ResultKind.SUCCESS}


@pytest.mark.parametrize(("result_code", "is_error"), [*LOUD.items(), (99_999, True)])
def test_a_refusal_that_staff_must_act_on_is_an_error_in_the_log(configure, caplog, result_code, is_error):
    configure(CHANNELS=failing(outcome="refused", result_code=result_code))
    describe_send()

    assert told_by_the_log(caplog, f": {result_code}") == [logging.ERROR if is_error else logging.WARNING]


@pytest.mark.parametrize("fault", FAULTS)
def test_another_server_at_the_platforms_address_is_an_error_in_the_log(configure, caplog, fault):
    backend = {"BACKEND": f"{__name__}.FaultyBackend", "OPTIONS": {"fault": fault}}
    configure(CHANNELS={"sms": backend})
    describe_send()

    is_error = fault in ("tls_certificate", "redirect")
    assert told_by_the_log(caplog, f": {fault}") == [logging.ERROR if is_error else logging.WARNING]


class FaultyBackend(LocmemBackend):
    """Fails as the client does when a fault of its catalogue happens."""

    def __init__(self, *, fault, **options):
        super().__init__(**options)
        self.fault = FAULTS[fault]

    def submit(self, phone, text):
        return Submission(outcome=self.fault.outcome, code=None, text="", fault=self.fault.slug, elapsed=0.0)


def told_by_the_log(caplog, end):
    records = [record for record in caplog.records if record.name == "django_ihuyi.calls"]
    return [record.levelno for record in records if record.getMessage().endswith(end)]


def test_every_kind_of_result_code_is_in_the_tables_above():
    assert set(KINDS) == set(ResultKind) - {ResultKind.SUCCESS}
    limits = {
        code
        for code, kind in REFUSALS.items()
        if kind in (ResultKind.THROTTLED, ResultKind.QUOTA, ResultKind.SUPPRESSED)
    }
    assert limits == {*LESSONS, 408, 4030}


def test_a_message_that_did_not_leave_gives_its_claim_back(configure):
    for _ in range(6):
        configure(CHANNELS=failing(outcome="unsent"))  # which also closes the breaker
        assert describe_send() == ("sending_unavailable", 5)

    configure(CHANNELS=failing())

    assert describe_send() is None


def test_the_code_of_an_unknown_message_is_good(configure):
    configure(CHANNELS=failing(outcome="unknown"))

    issued = send()

    assert guess_right(issued).outcome is VerdictOutcome.RIGHT
