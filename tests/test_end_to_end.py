"""The main job through the real client and the platform's imitation: codes are read only where a phone gets them."""

import time

import pytest

from django_ihuyi import proofs
from django_ihuyi.backends import get_backend
from django_ihuyi.backends.simulator import get_app
from django_ihuyi.client.outcomes import Outcome
from django_ihuyi.exceptions import LimitReached, NotSent, SendingUnavailable
from django_ihuyi.models import Message, Recipient
from django_ihuyi.verification import VerdictOutcome
from tests.support.time_travel import let_pass
from tests.support.use_cases import PHONE, guess, other_than, send

pytestmark = pytest.mark.django_db

MOBILE = "13800138000"


@pytest.fixture
def phone(configure):
    """What arrived at the phone, newest first."""
    configure(CHANNELS={"sms": {"BACKEND": "django_ihuyi.backends.simulator.SimulatorBackend"}})
    get_app.cache_clear()
    yield lambda: get_app().simulator.messages(MOBILE)
    get_app.cache_clear()


def test_a_code_that_arrived_verifies_the_phone_and_its_proof_is_redeemed(phone):
    issued = send("138 0013 8000")
    [arrived] = phone()
    wrong, right = guess(issued, other_than(arrived.code)), guess(issued, arrived.code)
    proof = proofs.redeem(right.proof, purpose="login")

    assert (wrong.outcome, right.outcome) == (VerdictOutcome.WRONG, VerdictOutcome.RIGHT)
    assert (proof.phone, proof.purpose) == (PHONE, "login")
    message = Message.objects.get()
    assert (message.state, message.result_code, message.platform_id) == ("submitted", 2, arrived.smsid)


def test_what_the_platform_says_of_a_number_is_learned(phone):
    get_app().simulator.force(4085, mobile=MOBILE)

    with pytest.raises(LimitReached):
        send()

    recipient = Recipient.objects.get()
    assert (recipient.code_full_until is None, recipient.suppressed_code, phone()) == (False, None, [])


def test_a_text_that_is_not_filed_brings_no_number_on_the_platforms_blacklist(phone, configure):
    """Every refused attempt counts there, and the 21st is one too many (408)."""
    simulator = get_app().simulator
    configure(TEMPLATES={"code": {"TEXT": "Nobody has filed {code}"}})
    told = []
    for attempt in range(25):
        simulator.clock = lambda ahead=2 * attempt: time.time() + ahead
        with pytest.raises(NotSent) as refusal:
            send()
        told.append(refusal.value.code)
        let_pass(seconds=2)

    assert told == ["sending_unavailable"] * 15 + ["number_limit"] * 10
    assert simulator.count_codes() == {4072: 15}
    assert Recipient.objects.get().suppressed_at is None
    let_pass(days=1)
    configure(TEMPLATES={"code": {"TEXT": "您的验证码是：{code}。请不要把验证码泄露给其他人。"}})
    assert guess(send(), phone()[0].code).outcome is VerdictOutcome.RIGHT


def test_an_account_that_is_refused_is_told_to_the_operator_only(phone):
    get_app().simulator.force(405, mobile=MOBILE)

    with pytest.raises(SendingUnavailable) as refusal:
        send()

    assert "405" not in str(refusal.value)
    assert Message.objects.get().result_code == 405


def test_the_accounts_balance_can_be_asked_for(phone):
    before = get_backend("sms").get_balance()
    send()
    after = get_backend("sms").get_balance()

    assert (before.outcome, before.units - after.units) == (Outcome.ACCEPTED, 1)


def test_a_channel_keeps_its_backend_until_the_settings_change(configure):
    first = get_backend("sms")
    same = get_backend("sms")

    configure(CODE_LENGTH=8)

    assert first is same
    assert get_backend("sms") is not first
