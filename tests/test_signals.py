"""Signals tell what happened, once, and no receiver can stop the story."""

from contextlib import ExitStack, contextmanager, suppress

import pytest
from django.db import transaction

from django_ihuyi import signals
from django_ihuyi.exceptions import NotSent
from django_ihuyi.models import Message, Recipient, Verification
from django_ihuyi.verification import VerdictOutcome
from tests.support.time_travel import let_pass
from tests.support.use_cases import PHONE, failing, guess_right, guess_wrong, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("outbox")]

NAMES = ["code_sent", "code_verified", "code_refused", "message_changed", "limit_hit", "phone_taken_over"]


@contextmanager
def connected(signal, receiver):
    signal.connect(receiver)
    try:
        yield
    finally:
        signal.disconnect(receiver)


@pytest.fixture
def heard():
    """What the signals told, as (name, sender, arguments)."""
    told = []

    def listener(name):
        def listen(sender, signal, **arguments):
            told.append((name, sender, arguments))

        return listen

    with ExitStack() as stack:
        for name in NAMES:
            # Signals hold their receivers weakly.
            receiver = listener(name)
            stack.callback(lambda receiver=receiver: receiver)
            stack.enter_context(connected(getattr(signals, name), receiver))
        yield told


def test_a_sent_code_is_told_with_its_message_in_its_last_state(heard):
    send()

    verification, message = Verification.objects.get(), Message.objects.get()
    assert heard == [
        ("message_changed", Message, {"message": message}),
        ("code_sent", Verification, {"verification": verification, "message": message}),
    ]
    assert {arguments["message"].state for _, _, arguments in heard} == {"submitted"}


@pytest.mark.parametrize("outcome", ["unknown", "unsent", "refused"])
def test_a_code_that_may_have_left_is_told_as_sent_and_no_other(configure, heard, outcome):
    configure(CHANNELS=failing(outcome=outcome))
    with suppress(NotSent):
        send()

    names = [name for name, _, _ in heard]
    assert names == (["message_changed", "code_sent"] if outcome == "unknown" else ["message_changed"])
    assert heard[0][2]["message"].state == outcome


def test_a_right_code_is_told_once(heard):
    issued = send()
    heard.clear()

    guess_right(issued)
    guess_right(issued)

    verification = Verification.objects.get()
    assert heard == [
        ("code_verified", Verification, {"verification": verification}),
        ("code_refused", Verification, {"verification": verification, "outcome": VerdictOutcome.EXPIRED}),
    ]


def test_code_verified_carries_the_stored_state(heard):
    issued = send()
    heard.clear()

    guess_right(issued)

    [(_, _, arguments)] = heard
    told, stored = arguments["verification"], Verification.objects.get()
    assert (told.attempts, told.seed, told.code) == (stored.attempts, "", "")
    assert told.verified_at == stored.verified_at


def test_a_refused_guess_is_told_with_its_outcome(heard):
    issued = send()
    heard.clear()

    for _ in range(6):
        guess_wrong(issued)

    outcomes = [arguments["outcome"] for _, _, arguments in heard]
    assert outcomes == [VerdictOutcome.WRONG] * 5 + [VerdictOutcome.EXHAUSTED]


def test_a_limit_is_told_with_the_phone_that_it_is_about(heard):
    send()
    let_pass(seconds=10)
    heard.clear()

    with pytest.raises(NotSent):
        send()

    arguments = {"code": "resend_too_soon", "retry_after": 50, "phone": PHONE, "client": "", "reason": ""}
    assert heard == [("limit_hit", Recipient, arguments)]


def test_a_limit_is_told_at_once_also_inside_a_transaction(heard):
    send()
    heard.clear()

    with transaction.atomic():
        with pytest.raises(NotSent):
            send()
        told = [name for name, _, _ in heard]

    assert told == ["limit_hit"]


@pytest.mark.parametrize("name", NAMES)
def test_failing_receiver_does_not_stop_the_flow(name):
    def fail(sender, **arguments):
        raise RuntimeError("a bug of the host")

    with connected(getattr(signals, name), fail):
        issued = send()
        with pytest.raises(NotSent):
            send()
        wrong, right = guess_wrong(issued), guess_right(issued)

    assert (wrong.outcome, right.outcome) == (VerdictOutcome.WRONG, VerdictOutcome.RIGHT)
