"""Other ways to a phone than an SMS: a call that speaks the code, and messages to other countries."""

import pytest

from django_ihuyi import exceptions, phones, verification
from django_ihuyi.models import Message, State
from tests.support.time_travel import let_pass

pytestmark = pytest.mark.django_db

PHONE = "+8613800138000"
FOREIGN = "+447400123456"
LOCMEM = {"BACKEND": "django_ihuyi.backends.locmem.LocmemBackend"}


@pytest.fixture(autouse=True)
def _own_settings(settings):
    settings.IHUYI = {
        "CHANNELS": {"sms": LOCMEM, "voice": LOCMEM, "international": LOCMEM},
        "INTERNATIONAL_REGIONS": ["GB", "HK"],
    }


def call(issued, **changes):
    return verification.send_code(
        PHONE, **{"purpose": "login", "verification_id": issued.verification_id, "channel": "voice", **changes}
    )


def test_a_call_speaks_the_code_that_the_message_brought(outbox):
    issued = verification.send_code(PHONE, purpose="login")
    let_pass(seconds=61)

    called = call(issued)

    assert (called.verification_id, called.channel) == (issued.verification_id, "voice")
    assert outbox[0].code == outbox[1].code
    assert [message.channel for message in Message.objects.order_by("id")] == ["sms", "voice"]


def test_a_call_waits_for_its_time(outbox):
    issued = verification.send_code(PHONE, purpose="login")
    let_pass(seconds=30)

    with pytest.raises(exceptions.LimitReached, match="resend_too_soon"):
        call(issued)

    assert len(outbox) == 1


def test_a_call_need_not_wait_when_the_message_failed_on_its_way(outbox):
    issued = verification.send_code(PHONE, purpose="login")
    Message.objects.update(state=State.UNDELIVERED)
    let_pass(seconds=2)

    call(issued)

    assert len(outbox) == 2


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"verification_id": None}, id="no verification"),
        pytest.param({"verification_id": "0" * 32}, id="a verification that is none"),
        pytest.param({"purpose": "register"}, id="another purpose"),
    ],
)
def test_a_call_needs_the_verification_that_a_message_was_sent_for(outbox, changes):
    issued = verification.send_code(PHONE, purpose="login")
    let_pass(seconds=61)

    with pytest.raises(exceptions.UnavailableChannel):
        call(issued, **changes)

    assert len(outbox) == 1
    assert Message.objects.count() == 1


@pytest.mark.parametrize("typed", ["+44 7400 123456", "0044 7400-123456", "＋447400123456"])
def test_a_foreign_number_goes_by_the_international_channel(outbox, typed):
    issued = verification.send_code(typed, purpose="login")

    assert (issued.channel, issued.phone, outbox[0].phone) == ("international", FOREIGN, FOREIGN)
    assert verification.verify_code(issued.verification_id, outbox[0].code).phone == FOREIGN


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param("+1 201 555 0123", id="a region that is not allowed"),
        pytest.param("+44 20 7946 0958", id="a landline"),
        pytest.param("+44 7400", id="too short"),
        pytest.param("+999 123456789", id="no country"),
        pytest.param("447400123456", id="no plus"),
        pytest.param("+86 10 12345678", id="a mainland landline"),
        pytest.param("tel:+447400123456", id="a scheme"),
    ],
)
def test_other_foreign_numbers_are_refused(typed):
    with pytest.raises(exceptions.InvalidPhone):
        phones.parse(typed)


def test_without_regions_no_foreign_number_is_taken(settings):
    settings.IHUYI = {"CHANNELS": settings.IHUYI["CHANNELS"]}

    with pytest.raises(exceptions.InvalidPhone):
        phones.parse(FOREIGN)


def test_a_foreign_phone_cannot_be_called():
    issued = verification.send_code(FOREIGN, purpose="login")
    let_pass(seconds=61)

    with pytest.raises(exceptions.UnavailableChannel):
        verification.send_code(FOREIGN, purpose="login", verification_id=issued.verification_id, channel="voice")


def test_a_foreign_number_is_masked_and_written_as_its_channel_wants_it():
    assert (phones.mask(FOREIGN), phones.wire(FOREIGN)) == ("+44****3456", "44 7400123456")
