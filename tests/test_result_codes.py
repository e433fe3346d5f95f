"""Each row of the catalogue and of the reference decides what happens, with the simulator as platform."""

import html
import json
import logging
from types import MappingProxyType

import pytest
from django.urls import reverse

from django_ihuyi import delivery
from django_ihuyi.backends import get_backend
from django_ihuyi.client import results
from django_ihuyi.client.results import CATALOGUE, Actor, PauseEnd, Scope, describe
from django_ihuyi.delivery.admission.permit import acquire_permit
from django_ihuyi.delivery.bulk import _is_done
from django_ihuyi.exceptions import NotSent, SendingUnavailable
from django_ihuyi.models import Message, Recipient, State
from django_ihuyi.texts.templates import OutgoingText
from tests.support.result_codes_page import read_rows
from tests.support.time_travel import let_pass
from tests.support.use_cases import failing

pytestmark = pytest.mark.django_db

ROWS = read_rows()
REFUSALS = [row for row in ROWS if row.outcome == "refused"]
STATES = {"accepted": State.SUBMITTED, "refused": State.REFUSED}
SIMULATED = {"BACKEND": "django_ihuyi.backends.simulator.SimulatorBackend"}
SALE = {"TEXT": "新品上架，回复TD退订。"}
PHONES = {"sms": "+8613800138000", "international": "+447400123456", "marketing": "+8613800138000"}
ON_THE_WIRE = {"sms": "13800138000", "international": "44 7400123456", "marketing": "13800138000"}

each_refusal = pytest.mark.parametrize("row", REFUSALS, ids=str)
each_channel = pytest.mark.parametrize("channel", ["sms", "international"])


@pytest.fixture(autouse=True)
def simulator(own_simulator, configure):
    """The platform of all four channels."""
    configure(
        CHANNELS=dict.fromkeys(["sms", "voice", "international", "marketing"], SIMULATED),
        TEMPLATES={"code": {"TEXT": "您的验证码是：{code}。请不要把验证码泄露给其他人。"}, "sale": SALE},
        INTERNATIONAL_REGIONS=["GB"],
        CLIENT_LIMITS={},
        GLOBAL_LIMITS={},
    )
    return own_simulator()


@pytest.fixture
def send_code(client):
    """Ask for a code over REST."""

    def send(phone, **members):
        body = json.dumps({"phone": phone, "purpose": "login", **members})
        return client.post("/api/phone/send-code/", body, content_type="application/json")

    return send


def magic_number(row, channel):
    digits = row.magic_number.removeprefix("199000")
    return f"+4474000{digits}" if channel == "international" else row.magic_number


def check(row, *, status, slug, channel):
    message = Message.objects.latest("id")
    assert (status, slug) == (row.status, row.slug)
    assert (message.channel, message.state, message.result_code) == (channel, STATES[row.outcome], row.code)


def test_the_table_has_every_code():
    assert [row.code for row in ROWS] == list(CATALOGUE)
    assert [row.actor for row in ROWS] == [entry.actor.value for entry in CATALOGUE.values()]


@each_refusal
@each_channel
def test_a_code_to_a_magic_number_is_answered_as_the_table_says(row, channel, send_code):
    answer = send_code(magic_number(row, channel))

    check(row, status=answer.status_code, slug=answer.json()["code"], channel=channel)


@each_refusal
@each_channel
def test_a_code_that_was_ordered_to_fail_is_answered_as_the_table_says(row, channel, send_code, simulator):
    simulator.force(row.code, mobile=ON_THE_WIRE[channel])

    answer = send_code(PHONES[channel])

    check(row, status=answer.status_code, slug=answer.json()["code"], channel=channel)


@each_refusal
def test_a_call_with_the_code_of_a_message_is_answered_as_the_table_says(row, send_code, simulator):
    issued = send_code(PHONES["sms"]).json()
    let_pass(seconds=61)
    simulator.force(row.code, mobile=ON_THE_WIRE["sms"])

    answer = send_code(PHONES["sms"], verification_id=issued["verification_id"], channel="voice")

    check(row, status=answer.status_code, slug=answer.json()["code"], channel="voice")


@each_refusal
@pytest.mark.parametrize("is_magic", [True, False], ids=["magic", "ordered"])
def test_an_advertisement_fails_as_the_table_says(row, is_magic, simulator):
    if not is_magic:
        simulator.force(row.code, mobile=ON_THE_WIRE["marketing"])

    with pytest.raises(NotSent) as caught:
        delivery.send(row.magic_number if is_magic else PHONES["marketing"], template="sale", channel="marketing")

    # No HTTP here: the exception has the code, and the status belongs to it.
    check(row, status=row.status, slug=caught.value.code, channel="marketing")


@each_refusal
def test_a_call_to_a_magic_number_is_refused_with_its_code(row):
    submission = get_backend("voice").submit(f"+86{row.magic_number}", OutgoingText(content="480917", code="480917"))

    assert (submission.outcome.value, submission.code) == (row.outcome, row.code)


@each_channel
def test_what_is_accepted_is_answered_as_the_table_says(channel, send_code):
    [row] = [row for row in ROWS if row.outcome == "accepted"]

    answer = send_code(PHONES[channel])

    check(row, status=answer.status_code, slug="", channel=channel)


def test_an_accepted_advertisement_and_an_accepted_call_are_no_refusals(send_code):
    issued = send_code(PHONES["sms"]).json()
    let_pass(seconds=61)
    called = send_code(PHONES["sms"], verification_id=issued["verification_id"], channel="voice")
    let_pass(seconds=61)

    message = delivery.send(PHONES["marketing"], template="sale", channel="marketing")

    assert called.status_code == 202
    assert (message.state, message.result_code) == (State.SUBMITTED, 2)


@each_channel
def test_a_code_that_nobody_knows_is_kept_and_answered_as_a_generic_refusal(channel, send_code, simulator):
    simulator.force(99_999, mobile=ON_THE_WIRE[channel])

    answer = send_code(PHONES[channel])

    assert (answer.status_code, answer.json()["code"]) == (503, "sending_unavailable")
    assert Message.objects.get().result_code == 99_999


#: Codes that the platform may come to answer tomorrow, as one row each.
TOMORROW = [
    results._throttled(code=4098, zh="测试。", en="Too frequent; try again in a minute.", marks="wild"),
    results._suppressed(code=4099, zh="测试。", en="The number is on a list.", marks="wild"),
]
ALL = [*CATALOGUE.values(), *TOMORROW]
STAFF = {Actor.OPERATOR, Actor.DEVELOPER}


@pytest.fixture
def catalogue(monkeypatch):
    rows = {**CATALOGUE, **{row.code: row for row in TOMORROW}}
    monkeypatch.setattr(results, "CATALOGUE", MappingProxyType(rows))


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize("entry", [row for row in ALL if row.answer], ids=lambda row: row.code)
def test_a_row_decides_all_that_follows(entry, send_code, simulator, admin_client, caplog):
    """From the client to the admin: a row is all that has to be written for a new code."""
    simulator.force(entry.code, mobile=ON_THE_WIRE["sms"])

    answer = send_code(PHONES["sms"])

    message, recipient = Message.objects.get(), Recipient.objects.get()
    assert (answer.json()["code"], int(answer.headers.get("Retry-After", 0))) == (entry.answer, entry.retry_after)
    assert (message.result_code, message.counted) == (entry.code, entry.keeps_claim)
    pauses = {entry.pause.end: entry.pause.lasts.total_seconds()} if entry.pause else {}
    assert learned_by(recipient, message) == pauses
    assert recipient.suppressed_code == (entry.code if entry.suppresses else None)
    assert [record.levelno for record in caplog.records if record.name == "django_ihuyi.calls"] == [
        logging.ERROR if entry.actor in STAFF else logging.WARNING
    ]
    assert is_blocked() == (entry.scope is Scope.ACCOUNT)
    assert _is_done(message) == (entry.scope is Scope.MESSAGE)
    assert f"{entry.code}: {entry.en}" in read_messages(admin_client)


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize("entry", [row for row in ALL if row.pause or row.suppresses], ids=lambda row: row.code)
def test_the_next_message_is_refused_until_the_pause_of_a_row_is_over(entry, send_code, configure):
    configure(CHANNELS=failing(outcome="refused", result_code=entry.code))
    send_code(PHONES["sms"])
    configure(CHANNELS=failing())
    let_pass(seconds=entry.retry_after - 1)

    too_early = send_code(PHONES["sms"]).json()
    let_pass(seconds=1)
    in_time = send_code(PHONES["sms"])

    assert too_early["code"] == entry.answer
    assert in_time.status_code == (429 if entry.suppresses else 202)


@pytest.mark.parametrize("entry", [row for row in ALL if row.answer and not row.keeps_claim], ids=lambda row: row.code)
def test_fifteen_refusals_are_enough_for_a_day_if_a_row_counts_them_as_attempts(entry, send_code, configure):
    configure(CHANNELS=failing())
    send_code(PHONES["sms"])
    message = Message.objects.get()
    message.state, message.counted, message.result_code = State.REFUSED, False, entry.code
    for _ in range(15):
        message.pk = None
        message.save(force_insert=True)
    let_pass(seconds=61)

    answer = send_code(PHONES["sms"])

    assert answer.status_code == (429 if entry.is_attempt else 202)


def test_a_code_means_something_else_on_another_channel(send_code, simulator, caplog, admin_client):
    """4070 is the signature's code; a voice code was refused because of its length."""
    issued = send_code(PHONES["sms"]).json()
    let_pass(seconds=61)
    simulator.force(4070, mobile=ON_THE_WIRE["sms"])
    send_code(PHONES["sms"], verification_id=issued["verification_id"], channel="voice")

    assert "4070: A voice code must have 4 to 6 digits" in read_messages(admin_client)
    assert describe(4070, "voice").actor is Actor.DEVELOPER
    assert describe(4070).actor is Actor.OPERATOR


def read_messages(admin_client):
    """Return the list of messages as the admin shows it."""
    return html.unescape(admin_client.get(reverse("admin:ihuyi_message_changelist")).content.decode())


def learned_by(recipient, message):
    """Return the pauses that a recipient has learned, in seconds from the end of the call."""
    ends = {end: getattr(recipient, end.value) for end in PauseEnd}
    return {end: round((until - message.finished_at).total_seconds()) for end, until in ends.items() if until}


def is_blocked():
    try:
        with acquire_permit("sms"):
            return False
    except SendingUnavailable:
        return True
