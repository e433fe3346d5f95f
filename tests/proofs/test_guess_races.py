"""Guesses from all sides at once: how many are answered for one code, and how many get the proof."""

import itertools
import random

import pytest

from tests.proofs.support.concurrent_requests import PARALLEL, ROUNDS
from tests.proofs.support.site_client import REDEEM
from tests.proofs.support.summaries import spread

pytestmark = pytest.mark.proof

#: Five answered guesses of forty, of which one is right: it is found in an eighth of the trials, 50 of 400, and in more
#: than 70 of them once in a thousand runs. Where eight are answered, 80 are found.
TRIALS, GUESSES, MOST_FOUND, FEWEST_FOUND = 400, 40, 70, 25


def test_one_right_code_makes_one_proof(site, figure):
    """F1: of all who bring the same right code at the same moment, one gets the proof."""
    proofs = []
    for _ in range(ROUNDS):
        issued = site.issue()
        answers = site.fire([issued.right] * PARALLEL)
        proofs.append(sum("proof" in answer.body for answer in answers))

    figure("F1 parallel correct verifies accepted", f"{spread(proofs)} of {PARALLEL} ({ROUNDS} rounds) [target 1]")
    assert proofs == [1] * ROUNDS


def test_five_wrong_guesses_are_answered_for_one_code(site, figure):
    """F2: the sixth guess is not looked at, however many come at the same moment."""
    evaluated = []
    for _ in range(ROUNDS):
        issued = site.issue()
        answers = site.fire(issued.wrong(PARALLEL))
        evaluated.append(count_evaluated(answers))
        assert site.ask(issued.right).code == "attempts_exhausted"

    figure("F2 parallel wrong guesses evaluated", f"{spread(evaluated)} of {PARALLEL} ({ROUNDS} rounds) [target 5]")
    assert evaluated == [5] * ROUNDS


def test_a_right_guess_among_wrong_ones_takes_one_of_the_five_attempts(site, figure):
    """199 wrong and 1 right: at most one is accepted, at most five are answered."""
    accepted, evaluated = [], []
    for _ in range(ROUNDS):
        issued = site.issue()
        guesses = [issued.right, *issued.wrong(PARALLEL - 1)]
        random.shuffle(guesses)
        answers = site.fire(guesses)
        accepted.append(sum(answer.status == 200 for answer in answers))
        evaluated.append(count_evaluated(answers))

    figure(
        "mixed race, 199 wrong and 1 right",
        f"{spread(accepted)} accepted, {spread(evaluated)} evaluated ({ROUNDS} rounds) [target at most 1 and 5]",
    )
    assert max(accepted) <= 1
    assert max(evaluated) <= 5


@pytest.mark.once
def test_answers_that_lie_would_not_hide_a_sixth_guess(site, figure):
    """The black box: whatever the answers say, a right guess among forty is found no oftener than by five tries."""
    found = 0
    for issued in itertools.chain.from_iterable(site.issue_many(PARALLEL) for _ in range(TRIALS // PARALLEL)):
        guesses = [issued.right, *issued.wrong(GUESSES - 1)]
        random.shuffle(guesses)
        found += sum(answer.status == 200 for answer in site.fire(guesses))

    figure(
        "oracle, 40 parallel guesses with 1 right",
        f"found in {found} of {TRIALS} trials, {found / TRIALS:.1%} [target 12.5 %, at most {MOST_FOUND}]",
    )
    assert FEWEST_FOUND <= found <= MOST_FOUND


def test_one_proof_is_redeemed_once(site, figure):
    """The host's own endpoint takes a proof from one of all who bring it."""
    redeemed = []
    for _ in range(ROUNDS):
        issued = site.issue()
        proof = site.ask(issued.right).body["proof"]
        answers = site.fire([(REDEEM, {"proof": proof})] * PARALLEL)
        redeemed.append(sum(answer.status < 300 for answer in answers))

    figure("one proof redeemed in parallel", f"{spread(redeemed)} of {PARALLEL} ({ROUNDS} rounds) [target 1]")
    assert redeemed == [1] * ROUNDS


def test_five_guesses_are_answered_in_a_site_that_rolls_failures_back(running, figure):
    """F3: with ATOMIC_REQUESTS, where a failed request undoes what it wrote, attempts stay spent all the same."""
    with running(PROOF_ATOMIC_REQUESTS="1") as site:
        issued = site.issue()
        answers = [site.ask(guess) for guess in issued.wrong(60)]
        last = site.ask(issued.right)

    evaluated = count_evaluated(answers)
    figure("F3 wrong guesses evaluated one by one, ATOMIC_REQUESTS", f"{evaluated} of 60 [target 5]")
    assert evaluated == 5
    assert last.code == "attempts_exhausted"


def count_evaluated(answers):
    """Count the guesses that were compared with the code."""
    return sum(answer.status == 200 or answer.code == "code_wrong" for answer in answers)
