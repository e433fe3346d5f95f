"""verify_code: a few guesses are judged, a right one counts once, and no verdict shows anything else."""

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_ihuyi.models import Recipient, Verification
from django_ihuyi.verification import Verdict, VerdictOutcome, verify_code
from tests.support.time_travel import let_pass
from tests.support.use_cases import PHONE, guess, guess_right, guess_wrong, other_than, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("outbox")]

EXPIRED = Verdict(outcome=VerdictOutcome.EXPIRED)


def stored():
    return Verification.objects.get()


def test_a_right_code_is_answered_with_a_proof():
    verdict = guess_right(send())

    assert verdict == Verdict(
        outcome=VerdictOutcome.RIGHT,
        proof=verdict.proof,
        phone=PHONE,
        purpose="login",
        expires_in=600,
        device=verdict.device,
    )
    assert (len(verdict.proof), verdict.proof.isascii()) == (64, True)
    assert (len(verdict.device), verdict.device.isascii()) == (88, True)


def test_a_right_code_consumes_the_verification():
    issued = send()

    assert guess_right(issued).outcome is VerdictOutcome.RIGHT
    assert guess_right(issued) == EXPIRED
    verification = stored()
    assert (verification.attempts, verification.seed, verification.code) == (1, "", "")
    assert verification.verified_at is not None


def test_five_wrong_guesses_are_answered_and_then_not_even_the_right_one():
    issued = send()

    verdicts = [guess_wrong(issued) for _ in range(7)]

    exhausted = Verdict(outcome=VerdictOutcome.EXHAUSTED, attempts_left=0)
    assert verdicts == [
        *(Verdict(outcome=VerdictOutcome.WRONG, attempts_left=left) for left in (4, 3, 2, 1, 0)),
        *[exhausted] * 2,
    ]
    assert guess_right(issued) == exhausted
    assert (stored().attempts, stored().seed) == (5, "")


def test_the_last_guess_may_be_the_right_one():
    issued = send()
    for _ in range(4):
        guess_wrong(issued)

    assert guess_right(issued).outcome is VerdictOutcome.RIGHT


def test_the_settings_say_how_many_guesses_are_answered(configure):
    configure(MAX_ATTEMPTS=2)
    issued = send()

    verdicts = [guess_wrong(issued).outcome.value for _ in range(3)]

    assert verdicts == ["wrong", "wrong", "exhausted"]


@pytest.mark.parametrize(
    "nonsense",
    ["", " ", "12345", "1234567", "abcdef", "１２３４５６", "123456\n", "\0", "\ud800", "1" * 10_000],
    ids=["empty", "blank", "short", "long", "letters", "full-width", "line feed", "NUL", "surrogate", "huge"],
)
def test_nonsense_counts_as_a_wrong_guess(nonsense):
    assert guess(send(), nonsense) == Verdict(outcome=VerdictOutcome.WRONG, attempts_left=4)


@pytest.mark.parametrize(
    ("passed", "outcome"), [(299, VerdictOutcome.RIGHT), (301, VerdictOutcome.EXPIRED)], ids=["299 s", "301 s"]
)
def test_a_code_lives_five_minutes(passed, outcome):
    issued = send()
    let_pass(seconds=passed)

    assert guess_right(issued).outcome is outcome


def test_an_expiry_that_was_seen_is_for_ever_even_if_the_clock_steps_back():
    issued = send()
    let_pass(minutes=6)
    guess_right(issued)

    let_pass(hours=-1)

    assert guess_right(issued) == EXPIRED
    assert stored().seed == ""


@pytest.mark.parametrize(
    "unknown", ["0" * 32, "", "x" * 32, "0" * 100, "00000000-0000-0000-0000-000000000000", 7, None]
)
def test_an_unknown_id_is_answered_as_an_expired_one(unknown):
    assert verify_code(unknown, "123456") == EXPIRED


def test_a_code_is_good_for_its_own_verification_only(outbox):
    login = send(purpose="login")
    let_pass(seconds=2)
    register = send(purpose="register")

    login_code, register_code = (text.code for text in outbox)
    assert guess(register, login_code).outcome is VerdictOutcome.WRONG
    assert guess(login, register_code).outcome is VerdictOutcome.WRONG
    assert guess(login, login_code).outcome is VerdictOutcome.RIGHT


def test_a_code_survives_the_rotation_of_its_key(settings):
    issued = send()

    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a-new-secret-key-of-more-than-32-bytes"

    assert guess_right(issued).outcome is VerdictOutcome.RIGHT


def test_a_code_whose_key_is_retired_is_wrong_and_raises_nothing(settings):
    issued = send()

    settings.SECRET_KEY = "a-new-secret-key-of-more-than-32-bytes"

    assert guess_right(issued) == Verdict(outcome=VerdictOutcome.WRONG, attempts_left=4)


def set_failures(in_a_row, *, purpose="login", ago=0):
    """Record failures of the past."""
    recipient = Recipient.objects.get()
    now = stored().created_at.timestamp()
    recipient.guesses[purpose] = {"failed_at": [now - ago] * min(in_a_row, 24), "in_a_row": in_a_row}
    recipient.save()


def test_after_ten_failures_in_a_row_no_guess_is_judged():
    issued = send()
    set_failures(9)

    assert guess_wrong(issued).outcome is VerdictOutcome.WRONG
    limited = guess_right(issued)
    assert limited == Verdict(outcome=VerdictOutcome.LIMITED, retry_after=limited.retry_after)
    assert limited.retry_after == pytest.approx(900, abs=1)
    assert stored().attempts == 1


def test_after_a_lockout_a_guess_is_judged():
    issued = send()
    set_failures(10, ago=14 * 60)
    let_pass(seconds=61)

    assert guess_right(issued).outcome is VerdictOutcome.RIGHT


def test_a_locked_purpose_opens_for_an_operator_only():
    issued = send()
    set_failures(100, ago=10 * 86_400)

    assert guess_right(issued).outcome is VerdictOutcome.LIMITED
    Recipient.objects.get().lift_suppression()
    assert guess_right(issued).outcome is VerdictOutcome.RIGHT


def test_failures_outlive_the_codes_that_they_were_made_on():
    for _ in range(2):
        issued = send()
        for _ in range(5):
            guess_wrong(issued)
        let_pass(seconds=60)

    assert Recipient.objects.get().guesses["login"]["in_a_row"] == 10


def test_a_success_clears_the_failures_of_its_own_purpose_only():
    issued = send()
    set_failures(3, purpose="register")
    guess_wrong(issued)

    guess_right(issued)

    assert list(Recipient.objects.get().guesses) == ["register"]


def test_a_lockout_of_one_purpose_leaves_the_others_alone():
    issued = send()
    set_failures(50, purpose="register")

    assert guess_right(issued).outcome is VerdictOutcome.RIGHT


@pytest.mark.parametrize(
    ("guess", "statements"), [(guess_right, ["SELECT", "UPDATE"]), (guess_wrong, ["SELECT", "UPDATE", "UPDATE"])]
)
def test_a_guess_takes_few_statements_in_one_transaction(guess, statements):
    issued = send()

    with CaptureQueriesContext(connection) as captured:
        guess(issued)

    verbs = [query["sql"].split()[0] for query in captured]
    assert [verb for verb in verbs if verb in {"SELECT", "INSERT", "UPDATE", "DELETE"}] == statements
    # Right and wrong guesses take the same path to their UPDATE: a faster one would win more races than its share.
    assert verbs[:2] == ["SELECT", "SAVEPOINT"]


def guess_while(change, issued, code):
    """Guess, with a change between the read of the verification and the UPDATE."""
    changes = [change]

    def come_between(execute, sql, *arguments):
        if sql.startswith("SAVEPOINT") and changes:
            changes.pop()()
        return execute(sql, *arguments)

    with connection.execute_wrapper(come_between):
        return guess(issued, code)


def lock_the_phone():
    """Record the tenth failure in a row, as a guess at another code does."""
    set_failures(10)
    Recipient.objects.update(version=F("version") + 1)


# Each changes one thing that only one condition of the UPDATE can notice.
CHANGES = {
    "attempts are spent": (
        lambda: Verification.objects.update(attempts=5),
        VerdictOutcome.EXHAUSTED,
    ),
    "the code was used": (
        lambda: Verification.objects.update(verified_at=timezone.now()),
        VerdictOutcome.EXPIRED,
    ),
    "the code has expired": (lambda: let_pass(seconds=301), VerdictOutcome.EXPIRED),
    "the seed is blanked": (lambda: Verification.objects.update(seed=""), VerdictOutcome.EXPIRED),
    "the phone is locked": (lock_the_phone, VerdictOutcome.LIMITED),
}


@pytest.mark.parametrize("is_right", [True, False], ids=["right", "wrong"])
@pytest.mark.parametrize(("change", "outcome"), CHANGES.values(), ids=CHANGES)
def test_a_guess_is_judged_again_if_something_changed_after_it_was_read(outbox, change, outcome, is_right):
    """The UPDATE checks all that the SELECT before it has read."""
    issued = send()
    code = outbox[0].code if is_right else other_than(outbox[0].code)

    verdict = guess_while(change, issued, code)

    assert verdict.outcome is outcome
    assert stored().attempts == (5 if outcome is VerdictOutcome.EXHAUSTED else 0)


def test_wrong_guesses_at_two_codes_at_once_are_both_counted(outbox):
    """Each guess counts up the recipient's version, so that the other one cannot overwrite the count."""
    first = send()
    let_pass(seconds=61)
    second = send()

    guess_while(lambda: guess_wrong(second), first, other_than(outbox[0].code))

    assert Recipient.objects.get().guesses["login"]["in_a_row"] == 2


@pytest.mark.parametrize("is_right", [True, False])
def test_a_verdict_is_recorded_in_the_transaction_that_counts_the_guess_or_not_at_all(outbox, is_right):
    issued = send()
    code = outbox[0].code if is_right else other_than(outbox[0].code)
    recorded = []

    def record(verdict):
        recorded.append((verdict, transaction.get_connection().in_atomic_block, stored().attempts))
        if len(recorded) == 1:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        verify_code(issued.verification_id, code, record=record)
    given_back = stored()
    verdict = verify_code(issued.verification_id, code, record=record)

    assert (given_back.attempts, given_back.verified_at) == (0, None)
    # The device mark of the guess that was rolled back has another time.
    assert [(recorded[0][0].outcome, *recorded[0][1:]), recorded[1]] == [
        (verdict.outcome, True, 1),
        (verdict, True, 1),
    ]
    assert stored().attempts == 1


def test_a_verdict_on_nothing_is_not_recorded(outbox):
    verdicts = []
    issued = send()
    guess_right(issued)

    assert verify_code(issued.verification_id, outbox[0].code, record=verdicts.append) == EXPIRED
    assert verdicts == []


def test_a_guess_inside_a_transaction_is_refused_because_a_rollback_would_give_it_back():
    issued = send()

    with transaction.atomic(), pytest.raises(TransactionManagementError):
        guess_wrong(issued)

    assert stored().attempts == 0


@pytest.mark.parametrize("of_the_past", [90, 91])
def test_a_verification_is_a_dated_fact(of_the_past):
    guess_right(send())
    let_pass(days=of_the_past, seconds=-60)

    facts = Verification.objects.verified_within(PHONE, days=90)

    assert facts.exists() is (of_the_past == 90)
    assert not Verification.objects.verified_within("+8613900139000").exists()


def test_a_failed_verification_is_no_fact():
    guess_wrong(send())

    assert not Verification.objects.verified_within(PHONE).exists()
