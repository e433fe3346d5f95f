"""A resend sends the code of its own verification again, and no other one."""

from datetime import timedelta

import pytest

from django_ihuyi.exceptions import NotSent
from django_ihuyi.models import Verification
from django_ihuyi.verification import VerdictOutcome
from tests.support.time_travel import let_pass
from tests.support.use_cases import failing, guess, guess_right, guess_wrong, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("outbox")]


def resend(issued, **changes):
    return send(**{"verification_id": issued.verification_id, **changes})


def life_of(issued):
    verification = Verification.objects.get(pk=issued.verification_id)
    return verification.expires_at - verification.created_at


def test_a_resend_repeats_the_code_so_that_whichever_message_arrives_can_be_used(outbox):
    first = send()
    let_pass(seconds=60)

    second = resend(first)

    assert second.verification_id == first.verification_id
    assert outbox[0].code == outbox[1].code


def test_a_resend_extends_the_life():
    first = send()
    let_pass(seconds=200)

    second = resend(first)

    assert second.expires_in == 300
    assert life_of(first).total_seconds() == pytest.approx(500, abs=1)


def test_no_resend_extends_the_life_past_ten_minutes_after_the_first_issue():
    first = send()
    let_pass(seconds=280)
    resend(first)
    let_pass(seconds=190)

    third = resend(first)

    assert third.verification_id == first.verification_id
    assert third.expires_in == pytest.approx(130, abs=1)
    assert life_of(first) == timedelta(minutes=10)


def test_with_less_than_two_minutes_left_a_resend_makes_a_new_verification(outbox):
    first = send()
    let_pass(seconds=290)
    resend(first)
    let_pass(seconds=191)

    third = resend(first)

    assert third.verification_id != first.verification_id
    assert third.expires_in == 300
    assert outbox[-1].code == Verification.objects.get(pk=third.verification_id).code


def test_a_resend_keeps_the_attempts_that_were_spent():
    first = send()
    guesses = [guess_wrong(first) for _ in range(4)]
    let_pass(seconds=60)
    resend(first)

    guesses += [guess_wrong(first)]

    assert [verdict.attempts_left for verdict in guesses] == [4, 3, 2, 1, 0]
    assert guess_right(first).outcome is VerdictOutcome.EXHAUSTED


@pytest.mark.parametrize(
    "options",
    [
        {"outcome": "unsent"},
        {"outcome": "refused", "result_code": 4072},
        {"outcome": "refused", "result_code": 4085},
    ],
    ids=["unsent", "refused", "full at the platform"],
)
def test_a_resend_that_fails_leaves_the_code_alive(configure, options):
    first = send()
    let_pass(seconds=60)
    configure(CHANNELS=failing(**options))

    with pytest.raises(NotSent):
        resend(first)

    assert guess_right(first).outcome is VerdictOutcome.RIGHT


def test_a_resend_that_comes_too_soon_leaves_the_code_alive():
    first = send()

    with pytest.raises(NotSent):
        resend(first)

    assert guess_right(first).outcome is VerdictOutcome.RIGHT


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"purpose": "register"}, id="another purpose"),
        pytest.param({"phone": "+8613900139000"}, id="another phone"),
        pytest.param({"verification_id": "0" * 32}, id="an id that is nobody's"),
        pytest.param({"verification_id": "'; DROP TABLE"}, id="an id that is none"),
    ],
)
def test_a_request_with_a_foreign_id_is_no_resend(changes, outbox):
    first = send()
    let_pass(seconds=60)

    second = resend(first, **changes)

    assert second.verification_id not in (first.verification_id, changes.get("verification_id"))
    assert guess(first, outbox[0].code).outcome is VerdictOutcome.RIGHT
    assert guess(second, outbox[1].code).outcome is VerdictOutcome.RIGHT


def expire(issued):
    let_pass(seconds=301)


def exhaust(issued):
    for _ in range(5):
        guess_wrong(issued)


@pytest.mark.parametrize("end", [expire, exhaust, guess_right], ids=["expired", "exhausted", "verified"])
def test_a_verification_that_has_ended_is_not_sent_again(end):
    first = send()
    end(first)
    let_pass(seconds=60)

    assert resend(first).verification_id != first.verification_id


def test_a_verification_whose_key_is_retired_is_not_sent_again(settings):
    first = send()
    let_pass(seconds=60)
    settings.SECRET_KEY = "another-secret-key-of-more-than-32-bytes"

    second = resend(first)

    assert second.verification_id != first.verification_id
    assert guess_right(second).outcome is VerdictOutcome.RIGHT


def test_a_strangers_request_for_the_same_phone_ends_nobodys_verification(outbox):
    mine = send()
    for _ in range(3):
        let_pass(seconds=60)
        strangers = send()

    assert guess(strangers, outbox[0].code).outcome is VerdictOutcome.WRONG
    assert guess(mine, outbox[0].code).outcome is VerdictOutcome.RIGHT
