"""What the reference says of each result code is what happens, on every channel, with the simulator as platform."""

import json

import pytest

from django_ihuyi import delivery
from django_ihuyi.backends import get_backend
from django_ihuyi.client.results import CATALOGUE
from django_ihuyi.exceptions import NotSent
from django_ihuyi.models import Message, State
from django_ihuyi.texts.templates import OutgoingText
from tests.support.result_codes_page import read_rows
from tests.support.time_travel import let_pass

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
