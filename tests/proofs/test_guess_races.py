"""Guesses from all sides at once: how many are answered for one code, and how many get the proof."""

import itertools
import random
import time

import pytest

from django_ihuyi.models import Message, Recipient
from tests.proofs.support.concurrent_requests import PARALLEL, ROUNDS
from tests.proofs.support.site_client import PURPOSE, REDEEM, SEND, Issued, send
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


@pytest.mark.parametrize(
    ("each", "ago", "target"),
    [
        # One more of each kind in the 24 hours; in a row there was one of each.
        pytest.param({False: (24, 1), True: (24, 1)}, 60, 2, id="25 a day of each kind"),
        # Both lockouts, of at most a day, are over.
        pytest.param({False: (25, 50), True: (25, 49)}, 2 * 86_400, 1, id="100 in a row together"),
    ],
)
def test_marked_and_other_clients_have_a_budget_each_and_one_lock(site, figure, each, ago, target):
    """F4, at the end of the budgets: half of the guesses come with the device mark of the phone, half without."""
    evaluated = []
    for _ in range(ROUNDS):
        issued, device = issue_marked(site)
        set_failures(issued.phone, each, ago=ago)
        guesses = [
            with_device(guess, device if number % 2 else "") for number, guess in enumerate(issued.wrong(PARALLEL))
        ]
        random.shuffle(guesses)
        evaluated.append(count_evaluated(site.fire(guesses)))
        last = [site.ask(with_device(issued.right, text)).code for text in (device, "")]
        assert last == ["guess_limit"] * 2

    kinds = " and ".join(f"{count} of {in_a_row} in a row" for count, in_a_row in each.values())
    figure(
        f"F4 wrong guesses evaluated after {kinds}, marked and not",
        f"{spread(evaluated)} of {PARALLEL} ({ROUNDS} rounds) [target {target}]",
    )
    assert evaluated == [target] * ROUNDS


def test_strangers_do_not_keep_a_marked_client_from_its_code(site, figure):
    """F26: a stranger who knows the number is at the lock, and goes on guessing while the holder logs in."""
    got_in = 0
    for _ in range(ROUNDS):
        live, device = issue_marked(site)
        strangers = [ask_for_code(site, live.phone) for _ in range(2)]
        site.fire([guess for issued in strangers for guess in issued.wrong(PARALLEL // 2)])
        noise = [guess for issued in strangers for guess in issued.wrong(PARALLEL // 2)][1:]
        forget_messages(live.phone)
        assert site.ask(send(live.phone)).code == "guess_limit"

        entered = site.fire([*noise, with_device(live.right, device)])[-1]
        # The right code has cleared all budgets, so strangers fill theirs again.
        site.fire([guess for issued in [ask_for_code(site, live.phone) for _ in range(2)] for guess in issued.wrong(6)])
        forget_messages(live.phone)
        assert site.ask(send(live.phone)).code == "guess_limit"
        sent = site.ask((SEND, {"phone": live.phone, "purpose": PURPOSE, "device": entered.body.get("device", "")}))
        got_in += (entered.status, sent.status) == (200, 202)

    figure("F26 marked holders who use a live code and get a new one", f"{got_in} of {ROUNDS} [target all]")
    assert got_in == ROUNDS


def issue_marked(site):
    """Verify a new phone and have another code sent to it; return that code and the device mark of the phone."""
    issued = site.issue()
    device = site.ask(with_device(issued.right, "")).body["device"]
    return ask_for_code(site, issued.phone), device


def ask_for_code(site, phone):
    forget_messages(phone)
    sent = site.ask(send(phone))
    return Issued(phone=phone, verification_id=sent.body["verification_id"], code=site.platform.code(phone))


def forget_messages(phone):
    """Let the limits of the phone's messages count anew."""
    Message.objects.filter(recipient__phone=f"+86{phone}").delete()


def with_device(guess, device):
    path, body = guess
    return path, {**body, "device": device}


def set_failures(phone, each, *, ago):
    """Record failures of marked and other clients: {is marked: (failures that are stored, failures in a row)}."""
    stored = {
        is_marked: {PURPOSE: {"failed_at": [time.time() - ago] * count, "in_a_row": in_a_row}}
        for is_marked, (count, in_a_row) in each.items()
    }
    Recipient.objects.filter(phone=f"+86{phone}").update(guesses=stored[False], marks={"guesses": stored[True]})


def count_evaluated(answers):
    """Count the guesses that were compared with the code."""
    return sum(answer.status == 200 or answer.code == "code_wrong" for answer in answers)
