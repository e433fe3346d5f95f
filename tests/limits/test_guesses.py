"""How many guesses are judged for one phone and purpose, however many codes are requested."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_ihuyi.limits import GuessBudget

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

    guesses = GuessBudget.load(theirs, "login").after_failure(theirs, "login", NOW)

    assert guesses == {**theirs, "login": {"failed_at": [NOW.timestamp()], "in_a_row": 1}}


def test_no_more_than_25_times_are_stored():
    budget = GuessBudget(failed_at=[float(number) for number in range(25)], in_a_row=30)

    guesses = budget.after_failure({}, "login", NOW)

    moments = [*(float(number) for number in range(1, 25)), NOW.timestamp()]
    assert guesses == {"login": {"failed_at": moments, "in_a_row": 31}}


def test_a_success_clears_its_own_purpose_and_no_other():
    guesses = {name: {"failed_at": [1.0], "in_a_row": 1} for name in ("login", "reset_password")}

    cleared = GuessBudget.load(guesses, "login").after_success(guesses, "login")

    assert cleared == {"reset_password": {"failed_at": [1.0], "in_a_row": 1}}


@given(st.lists(st.integers(min_value=0, max_value=90_000), max_size=400))
def test_whoever_guesses_without_end_gets_25_answers_a_day_and_100_in_all(pauses):
    guesses, answered, moment = {}, [], NOW
    for pause in pauses:
        moment += timedelta(seconds=pause)
        budget = GuessBudget.load(guesses, "login")
        if budget.closed_until(moment) is None:
            guesses = budget.after_failure(guesses, "login", moment)
            answered.append(moment)

    assert len(answered) <= 100
    assert all(later - earlier >= DAY for earlier, later in zip(answered, answered[25:], strict=False))
