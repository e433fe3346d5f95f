"""The life of a code and the guesses of a phone, measured from outside: over days, and with wrong clocks."""

import secrets
import time

import pytest
import time_machine
from django.db import connection

from django_ihuyi.database.clock import read_clock
from django_ihuyi.exceptions import LimitReached
from django_ihuyi.models import Message, Recipient, Verification
from django_ihuyi.models.sql.snapshot import read_verification
from django_ihuyi.verification import VerdictOutcome, marks, verify_code
from tests.support.time_travel import let_pass
from tests.support.use_cases import PHONE, guess_wrong, send

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("outbox")]

DAY = 24 * 60 * 60
#: Requests that the attacker repeats after a refusal.
ROUNDS = 250
#: Codes that are tried; seconds before the end of the first; pause before each.
CODES, BEFORE, PAUSE = 12, 1.5, 0.25


def test_endless_requests_for_codes_give_25_guesses_a_day_and_100_in_all(figure):
    """F4, through send_code and verify_code: an attacker returns as soon as the limits allow, for years."""
    now, answered = 0, []
    for _ in range(ROUNDS):
        try:
            issued, wait = send(), 0
        except LimitReached as error:
            issued, wait = None, error.retry_after
        while issued:
            verdict = guess_wrong(issued)
            if verdict.outcome is not VerdictOutcome.WRONG:
                wait = verdict.retry_after or 0
                break
            answered.append(now)
        let_pass(seconds=wait + 1)
        now += wait + 1

    in_a_day = max(sum(moment <= other < moment + DAY for other in answered) for moment in answered)
    figure("F4 guesses answered in 24 hours, and ever", f"{in_a_day} and {len(answered)} [target at most 25 and 100]")
    assert in_a_day <= 25
    assert len(answered) == 100


def test_endless_guesses_with_and_without_marks_give_25_a_day_of_each_kind_and_100_in_all(figure):
    """F4, by an attacker with any number of codes, and of marks: a new one, as if stolen, for each guess."""
    now, answered = 0, []
    for _ in range(ROUNDS):
        waits = []
        for is_marked in (False, True):
            device = steal_mark() if is_marked else ""
            try:
                verdict = guess_wrong(send(device=device), device=device)
            except LimitReached as error:
                waits.append(error.retry_after)
            else:
                assert verdict.outcome is VerdictOutcome.WRONG
                answered.append((now, is_marked))
            Message.objects.all().delete()
        # On to the next guess: at once, or when the first lockout ends.
        gone = min(waits) + 1 if len(waits) == 2 else 1
        let_pass(seconds=gone)
        now += gone

    kinds = [[moment for moment, is_marked in answered if is_marked is kind] for kind in (False, True)]
    in_a_day = [max(sum(moment <= other < moment + DAY for other in kind) for moment in kind) for kind in kinds]
    figure(
        "F4 guesses answered in 24 hours without and with marks, and ever",
        f"{in_a_day} and {len(answered)} [target at most 25 each and 100]",
    )
    assert max(in_a_day) <= 25
    assert min(map(len, kinds)) > 10
    assert len(answered) == 100


def steal_mark():
    """Make a mark of a right guess that was made just now."""
    of_a_device = Verification(id=secrets.token_hex(16), recipient=Recipient(phone=PHONE))
    return marks.make(of_a_device, issued_at=read_clock(connection))


@pytest.mark.parametrize("hours", [-1, 0, 1])
def test_a_code_ends_in_time_whatever_the_hosts_clock_says(hours, figure, outbox):
    """F20: codes that are about to expire are tried, one after the other, until they have expired."""
    with time_machine.travel(time.time() + hours * 3600):
        issued = [send(f"+86138001380{number:02}") for number in range(CODES)]
        codes = [message.code for message in outbox]
        let_pass(seconds=issued[-1].expires_in - BEFORE)
        tried = [try_out(one, code) for one, code in zip(issued, codes, strict=True)]

    overtime = max((over_for for is_right, over_for in tried if is_right), default=0)
    figure(
        f"F20 a code's life beyond its time, host's clock {hours:+} h", f"{max(overtime, 0):.2f} s [target at most 1.0]"
    )
    assert overtime <= 1
    assert all(is_right for is_right, over_for in tried if over_for < 0)
    assert not tried[-1][0]


def try_out(issued, code):
    """Try a code; return whether it was right, and the seconds since its end by the database's clock."""
    time.sleep(PAUSE)
    is_right = verify_code(issued.verification_id, code).outcome is VerdictOutcome.RIGHT
    snapshot = read_verification(issued.verification_id, using="default")
    return is_right, (snapshot.now - snapshot.verification.expires_at).total_seconds()
