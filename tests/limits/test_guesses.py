"""How many guesses are judged for one phone and purpose, however many codes are requested."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_ihuyi.limits import GuessBudget, after_success
from django_ihuyi.models import Recipient

NOW = datetime(2026, 12, 31, 16, 0, 0, tzinfo=timezone.utc)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def failed(in_a_row, *, last=timedelta(0), apart=HOUR * 2):
    """Return a budget with failures `apart` from each other, the last one `last` before NOW."""
    moments = [(NOW - last - apart * number).timestamp() for number in reversed(range(min(in_a_row, 25)))]
    return GuessBudget(failed_at=moments, in_a_row=in_a_row)


@pytest.mark.parametrize(
    ("budget", "rest"),
    [
        pytest.param(GuessBudget(), None, id="never failed"),
        pytest.param(failed(9), None, id="9 in a row"),
        pytest.param(failed(10), 15 * MINUTE, id="10 in a row"),
        pytest.param(failed(10, last=14 * MINUTE), MINUTE, id="10 in a row, 14 minutes ago"),
        pytest.param(failed(10, last=15 * MINUTE), None, id="10 in a row, rested"),
        pytest.param(failed(11), 30 * MINUTE, id="11 in a row"),
        pytest.param(failed(12), HOUR, id="12 in a row"),
        pytest.param(failed(15), 8 * HOUR, id="15 in a row"),
        pytest.param(failed(16), 16 * HOUR, id="16 in a row"),
        # The next doubling would be 32 hours; the longest lockout is a day.
        pytest.param(failed(17), DAY, id="17 in a row"),
        pytest.param(failed(99), DAY, id="99 in a row"),
        pytest.param(failed(99, last=DAY), None, id="99 in a row, rested"),
        pytest.param(failed(100), DAY, id="100 in a row"),
        pytest.param(failed(100, last=365 * DAY), DAY, id="100 in a row, a year ago: still locked"),
    ],
)
def test_failures_in_a_row_cause_lockouts_that_double_and_a_lock_at_100(budget, rest):
    assert budget.closed_until(NOW) == (rest and NOW + rest)


@pytest.mark.parametrize(
    ("budget", "rest"),
    [
        # Seconds apart and not in a row, as after a bug or a change of the rules.
        pytest.param(GuessBudget(failed_at=[NOW.timestamp() - 9] * 24), None, id="24 guesses"),
        pytest.param(GuessBudget(failed_at=[NOW.timestamp() - 9] * 25), DAY - timedelta(seconds=9), id="25 guesses"),
        pytest.param(GuessBudget(failed_at=[NOW.timestamp() - 86_400] * 25), None, id="25 guesses, a day ago"),
    ],
)
def test_25_guesses_are_answered_in_any_24_hours(budget, rest):
    assert budget.closed_until(NOW) == (rest and NOW + rest)


def test_a_failure_counts_for_its_own_purpose():
    theirs = {"reset_password": {"failed_at": [1.0], "in_a_row": 1}}

    guesses = GuessBudget.load(Recipient(guesses=theirs), "login", is_marked=False).after_failure(theirs, "login", NOW)

    assert guesses == {**theirs, "login": {"failed_at": [NOW.timestamp()], "in_a_row": 1}}


def test_no_more_than_25_times_are_stored():
    budget = GuessBudget(failed_at=[float(number) for number in range(25)], in_a_row=30)

    guesses = budget.after_failure({}, "login", NOW)

    moments = [*(float(number) for number in range(1, 25)), NOW.timestamp()]
    assert guesses == {"login": {"failed_at": moments, "in_a_row": 31}}


def test_a_success_clears_its_own_purpose_and_no_other():
    guesses = {name: {"failed_at": [1.0], "in_a_row": 1} for name in ("login", "reset_password")}

    assert after_success(guesses, "login") == {"reset_password": {"failed_at": [1.0], "in_a_row": 1}}


def load(*, unmarked, marked, is_marked):
    """Return one of two budgets as a row stores them."""
    guesses, others = (
        {"login": {"failed_at": budget.failed_at, "in_a_row": budget.in_a_row}} for budget in (unmarked, marked)
    )
    return GuessBudget.load(Recipient(guesses=guesses, marks={"guesses": others}), "login", is_marked=is_marked)


@pytest.mark.parametrize("is_marked", [False, True])
@pytest.mark.parametrize("full", [failed(10), failed(17), GuessBudget(failed_at=[NOW.timestamp() - 9] * 25)])
def test_failures_of_marked_and_of_other_clients_lock_out_only_their_own_kind(full, is_marked):
    kinds = {"marked": full, "unmarked": failed(9)} if is_marked else {"unmarked": full, "marked": failed(9)}

    assert load(**kinds, is_marked=is_marked).closed_until(NOW) is not None
    assert load(**kinds, is_marked=not is_marked).closed_until(NOW) is None


@pytest.mark.parametrize("is_marked", [False, True])
@pytest.mark.parametrize(
    ("unmarked", "marked", "rest"),
    [
        pytest.param(failed(60, last=HOUR), failed(40, last=3 * HOUR), 23 * HOUR, id="60 and 40"),
        pytest.param(failed(40, last=3 * HOUR), failed(60, last=HOUR), 23 * HOUR, id="40 and 60"),
        pytest.param(failed(100, last=400 * DAY), GuessBudget(), DAY, id="100 and 0"),
        pytest.param(GuessBudget(), failed(100, last=400 * DAY), DAY, id="0 and 100"),
        pytest.param(failed(99, last=2 * DAY), failed(1, last=HOUR), 23 * HOUR, id="99 and 1"),
        pytest.param(failed(60, last=2 * DAY), failed(39, last=2 * DAY), None, id="60 and 39"),
    ],
)
def test_the_lock_counts_failures_of_both_kinds_and_locks_both(unmarked, marked, rest, is_marked):
    budget = load(unmarked=unmarked, marked=marked, is_marked=is_marked)

    assert budget.closed_until(NOW) == (rest and NOW + rest)


@given(st.lists(st.tuples(st.integers(min_value=0, max_value=90_000), st.booleans()), max_size=400))
def test_whoever_guesses_without_end_gets_25_answers_a_day_of_each_kind_and_100_in_all(tries):
    recipient, answered, moment = Recipient(), {False: [], True: []}, NOW
    for pause, is_marked in tries:
        moment += timedelta(seconds=pause)
        budget = GuessBudget.load(recipient, "login", is_marked=is_marked)
        if budget.closed_until(moment) is not None:
            continue
        answered[is_marked].append(moment)
        if is_marked:
            recipient.marks = {"guesses": budget.after_failure(recipient.marked_guesses, "login", moment)}
        else:
            recipient.guesses = budget.after_failure(recipient.guesses, "login", moment)

    assert sum(map(len, answered.values())) <= 100
    for moments in answered.values():
        assert all(later - earlier >= DAY for earlier, later in zip(moments, moments[25:], strict=False))
