"""The pure rules of budgets: rolling windows, different numbers, and the conversion breaker's stages."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_ihuyi.guards.budgets.conversion_breaker import ConversionBreaker, Stage
from django_ihuyi.guards.budgets.rules import ConversionThresholds
from django_ihuyi.guards.budgets.sliding_window import PARTS, Numbers, Spending
from django_ihuyi.rates import Rate, parse_rate

NOW = 1_800_000_000

RATES = st.builds(Rate, limit=st.integers(1, 6), period=st.sampled_from([1, 10, 60, 600, 3_600, 86_400]))
#: Seconds between one request and the next: close together, and about as far apart as a window is wide.
GAPS = st.lists(st.one_of(st.floats(0, 3), st.floats(0, 90), st.floats(0, 100_000)), min_size=1, max_size=60)


def stored(spending):
    """What comes back from the database."""
    return Spending.load(json.loads(json.dumps(spending.dump())))


def run(rates, gaps):
    """Let requests come in; return when those came that were let through, and when each of the others was told to."""
    spending, now, passed, told = Spending(), NOW, [], []
    for gap in gaps:
        now += gap
        wait = max(spending.wait(rate, now) for rate in rates)
        if wait:
            told.append((now, now + wait, spending))
        else:
            spending = stored(spending.after(now, rates))
            passed.append(now)
    return passed, told


@given(rates=st.lists(RATES, min_size=1, max_size=3), gaps=GAPS)
def test_no_window_wherever_it_begins_holds_more_than_the_limit(rates, gaps):
    passed, _ = run(rates, gaps)

    for rate in rates:
        for first, last in zip(passed, passed[rate.limit :], strict=False):
            assert last - first > rate.period


@given(rate=RATES, gaps=GAPS)
def test_room_comes_back_a_sixtieth_of_the_period_late_at_most(rate, gaps):
    passed, told = run([rate], gaps)

    for now, _, _ in told:
        window = [moment for moment in passed if now - rate.period - max(1, rate.period // PARTS) - 1 < moment <= now]
        assert len(window) >= rate.limit


@given(rates=st.lists(RATES, min_size=1, max_size=3), gaps=GAPS)
def test_there_is_room_after_the_wait(rates, gaps):
    _, told = run(rates, gaps)

    for _, until, spending in told:
        assert [spending.wait(rate, until) for rate in rates] == [0] * len(rates)


@given(rates=st.lists(RATES, min_size=1, max_size=3), gaps=GAPS)
def test_room_and_wait_say_the_same(rates, gaps):
    _, told = run(rates, gaps)

    for now, until, spending in told:
        assert spending.room(rates, now) == 0
        assert spending.room(rates, until) > 0


@given(rate=RATES, gaps=GAPS)
def test_spending_given_back_leaves_no_trace(rate, gaps):
    spending = Spending()
    for moment in itertools.accumulate(gaps, initial=NOW):
        before = stored(spending).count(rate, moment)
        assert spending.after(moment, [rate]).without(moment).count(rate, moment) == before
        spending = spending.after(moment, [rate])


@given(rates=st.lists(RATES, min_size=1, max_size=3), count=st.integers(1, 2_000))
def test_the_memory_is_bounded_however_much_is_spent(rates, count):
    spending = Spending()
    for number in range(0, count, 40):
        spending = spending.after(NOW + number * 37, rates, count=40)

    assert all(len(parts) <= PARTS + 2 for parts in spending.periods.values())


def test_nothing_is_given_back_twice():
    spending = Spending().after(NOW, [parse_rate("5/m")])

    assert spending.without(NOW).without(NOW).count(parse_rate("5/m"), NOW) == 0


def test_without_rates_there_is_no_end_of_room():
    assert Spending().room([], NOW) is None


MARKS = st.sampled_from("abcdefgh")


@given(rate=RATES, requests=st.lists(st.tuples(MARKS, st.floats(0, 50_000)), max_size=60))
def test_no_window_holds_more_different_numbers_than_the_limit(rate, requests):
    numbers, now, passed = Numbers(), NOW, []
    for mark, gap in requests:
        now += gap
        if not numbers.wait(mark, rate, now):
            numbers = numbers.after(mark, now, [rate])
            passed.append((now, mark))

    for last, _ in passed:
        window = {mark for moment, mark in passed if last - rate.period < moment <= last}
        assert len(window) <= rate.limit


@given(rate=RATES, requests=st.lists(st.tuples(MARKS, st.floats(0, 50_000)), max_size=60))
def test_a_number_is_refused_only_while_others_fill_the_limit(rate, requests):
    numbers, now, passed = Numbers(), NOW, []
    for mark, gap in requests:
        now += gap
        wait = numbers.wait(mark, rate, now)
        others = {known for moment, known in passed if now - rate.period < moment and known != mark}
        known = any(now - rate.period < moment and known == mark for moment, known in passed)
        assert bool(wait) == (len(others) >= rate.limit and not known)
        if wait:
            assert numbers.wait(mark, rate, now + wait) == 0
        else:
            numbers = numbers.after(mark, now, [rate])
            passed.append((now, mark))


def test_a_number_that_was_asked_for_may_be_asked_for_again():
    rate = parse_rate("2/h")
    numbers = Numbers().after("a", NOW, [rate]).after("b", NOW + 1, [rate])

    assert [numbers.wait(mark, rate, NOW + 10) for mark in "abc"] == [0, 0, 3_590]


def test_the_newest_numbers_are_remembered_when_none_is_refused():
    rate = parse_rate("3/h")
    numbers = Numbers()
    for number in range(1_000):
        numbers = numbers.after(str(number), NOW + number, [rate])

    assert set(numbers.last) == {"997", "998", "999"}


THRESHOLDS = ConversionThresholds(window=100, minimum=50, percent=10, patience=60, rest=600, stops=True)
LOW, ENOUGH, FEW = [True] * 9 + [False] * 91, [True] * 10 + [False] * 90, [False] * 49


@pytest.mark.parametrize(
    ("stage", "verified", "passed", "expected"),
    [
        ("watch", [], 0, "watch"),
        ("watch", FEW, 0, "watch"),
        ("watch", ENOUGH, 0, "watch"),
        ("watch", LOW, 0, "captcha"),
        ("watch", [False] * 50, 0, "captcha"),
        # 5 of 50 are ten of a hundred.
        ("watch", [True] * 5 + [False] * 45, 0, "watch"),
        ("watch", [True] * 5 + [False] * 46, 0, "captcha"),
        # Behind the captcha: the codes that were sent since then.
        ("captcha", [], 1, "captcha"),
        ("captcha", FEW, 599, "captcha"),
        ("captcha", LOW, 1, "stop"),
        ("captcha", ENOUGH, 1, "watch"),
        ("captcha", FEW, 600, "watch"),
        ("captcha", LOW, 600, "stop"),
        # Nothing is sent, so nothing tells; it opens by itself.
        ("stop", LOW, 599, "stop"),
        ("stop", [], 600, "captcha"),
    ],
)
def test_the_breaker_asks_for_a_captcha_then_stops_and_opens_again(stage, verified, passed, expected):
    breaker = ConversionBreaker(stage=Stage(stage), since=NOW)

    moved = breaker.after(verified, NOW + passed, THRESHOLDS)

    assert moved.stage.value == expected
    assert moved.since == (NOW if expected == stage else NOW + passed)


def test_a_breaker_that_may_not_stop_goes_on_asking_for_a_captcha():
    thresholds = ConversionThresholds(window=100, minimum=50, percent=10, patience=60, rest=600, stops=False)
    breaker = ConversionBreaker(stage=Stage.CAPTCHA, since=NOW)

    assert breaker.after(LOW, NOW + 100, thresholds) == ConversionBreaker(
        stage=Stage.CAPTCHA, since=NOW + 100, seen="9/100"
    )


def test_a_breaker_is_kept_as_it_is():
    breaker = ConversionBreaker(stage=Stage.STOP, since=NOW + 0.25, checked=NOW + 1.5, seen="0/50")

    assert ConversionBreaker.load(json.loads(json.dumps(breaker.dump()))) == breaker
    assert ConversionBreaker.load({}) == ConversionBreaker()


@pytest.mark.parametrize("text", ["1/s", "5/m", "5/2m", "10/10m", "20/h", "1/36h", "50/d", "9/30d"])
def test_a_rate_is_spelt_as_it_was_read(text):
    assert str(parse_rate(text)) == text
