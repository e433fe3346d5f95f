"""get_status: the state that a reloaded page shows."""

import pytest

from django_ihuyi.exceptions import LimitReached, SendingUnavailable
from django_ihuyi.models import Message
from django_ihuyi.verification import Status, get_status
from tests.support.time_travel import let_pass
from tests.support.use_cases import PHONE, failing, guess_right, guess_wrong, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("outbox")]


def status(issued):
    return get_status(issued.verification_id)


def test_a_status_has_all_that_a_page_counts_down():
    issued = send()
    guess_wrong(issued)
    let_pass(seconds=20)

    found = status(issued)

    assert found == Status(
        state="pending",
        delivery="pending",
        phone=PHONE,
        purpose="login",
        expires_in=found.expires_in,
        resend_in=found.resend_in,
        attempts_left=4,
    )
    # Whole seconds, one of which may have begun.
    assert found.expires_in in (279, 280)
    assert found.resend_in in (39, 40)


def test_a_code_is_sent_again_after_resend_in():
    issued = send()
    let_pass(seconds=20)

    let_pass(seconds=status(issued).resend_in)

    assert send(verification_id=issued.verification_id).verification_id == issued.verification_id


@pytest.mark.parametrize(("result_code", "wait"), [(4080, 2), (4086, 120), (4085, 86_400), (408, 86_400)])
def test_a_status_has_the_platforms_pause(configure, result_code, wait):
    issued = send()
    let_pass(seconds=60)
    configure(CHANNELS=failing(outcome="refused", result_code=result_code))
    with pytest.raises(LimitReached):
        send(verification_id=issued.verification_id)

    assert status(issued).resend_in == wait


def verify(issued):
    guess_right(issued)


def exhaust(issued):
    for _ in range(5):
        guess_wrong(issued)


def expire(issued):
    let_pass(minutes=6)


@pytest.mark.parametrize(
    ("end", "state", "attempts_left"),
    [(verify, "verified", 4), (exhaust, "exhausted", 0), (expire, "expired", 5)],
    ids=["verified", "exhausted", "expired"],
)
def test_each_end_has_its_state(end, state, attempts_left):
    issued = send()
    end(issued)
    let_pass(minutes=1)

    assert status(issued) == Status(
        state=state,
        delivery="pending",
        phone=PHONE,
        purpose="login",
        expires_in=0,
        resend_in=0,
        attempts_left=attempts_left,
    )


@pytest.mark.parametrize(
    ("state", "delivery"),
    [
        ("queued", "pending"),
        ("sending", "pending"),
        ("submitted", "pending"),
        ("delivered", "delivered"),
        ("undelivered", "failed"),
        ("refused", "failed"),
        ("unsent", "failed"),
        ("unknown", "unknown"),
    ],
)
def test_delivery_has_four_values(state, delivery):
    issued = send()
    Message.objects.update(state=state)

    assert status(issued).delivery == delivery


def test_a_message_that_did_not_leave_may_be_sent_again_at_once(configure):
    issued = send()
    let_pass(seconds=60)
    configure(CHANNELS=failing(outcome="unsent"))
    with pytest.raises(SendingUnavailable):
        send(verification_id=issued.verification_id)

    assert (status(issued).resend_in, status(issued).delivery) == (0, "failed")


@pytest.mark.parametrize("unknown", ["0" * 32, "", "nonsense", None])
def test_an_unknown_id_has_no_status(unknown):
    assert get_status(unknown) is None


def test_the_message_of_a_dead_worker_becomes_unknown():
    issued = send()
    Message.objects.update(state="sending", finished_at=None)

    assert status(issued).delivery == "pending"
    let_pass(seconds=61)
    assert status(issued).delivery == "unknown"
