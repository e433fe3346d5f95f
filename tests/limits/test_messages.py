"""How many messages may go to one phone: tables of messages sent, and the refusal that follows."""

import itertools
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_ihuyi.limits import Refusal, Rules, find_refusal
from django_ihuyi.models import Kind, Message, Recipient, State
from django_ihuyi.models.sql.snapshot import Snapshot

# Ten seconds after midnight in Shanghai, where "a day" could begin.
NOW = datetime(2026, 12, 31, 16, 0, 10, tzinfo=timezone.utc)
RULES = Rules(resend_interval=timedelta(seconds=60), messages=5, codes=5)
DAY = 86_400

TOO_SOON, FULL = "resend_too_soon", "number_limit"


def sent(ago, *, ended=None, **changes):
    """Return a message created `ago` seconds before NOW; its call ended at once, or `ended` seconds before NOW."""
    return Message(
        **{
            "state": State.SUBMITTED,
            "kind": Kind.CODE,
            "purpose": "login",
            "counted": True,
            "created_at": NOW - timedelta(seconds=ago),
            "finished_at": NOW - timedelta(seconds=ago if ended is None else ended),
            **changes,
        }
    )


def sending(ago, **changes):
    return sent(ago, state=State.SENDING, finished_at=None, **changes)


def queued(ago, **changes):
    return sent(ago, state=State.QUEUED, finished_at=None, **changes)


def refusal(*messages, purpose="login", kind=Kind.CODE, rules=RULES, **learned):
    recipient = Recipient(phone="+8613800138000", **learned)
    snapshot = Snapshot(now=NOW, recipient=recipient, verification=None, messages=messages)
    return find_refusal(snapshot, purpose=purpose, kind=kind, rules=rules)


def other(ago, **changes):
    return sent(ago, purpose="register", **changes)


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        pytest.param([], None, id="never sent to"),
        # One message a second for all purposes, from the end of the previous call.
        pytest.param([other(0.4)], (TOO_SOON, 1), id="0.4 s after another purpose"),
        pytest.param([other(1.0)], None, id="1 s after another purpose"),
        pytest.param([other(8.0, ended=0.1)], (TOO_SOON, 1), id="0.1 s after the end of a call that took 7.9 s"),
        pytest.param([other(8.0, ended=1.0)], None, id="1 s after the end of a call that took 7 s"),
        # A call under way may arrive at any time before its deadline of 8 s.
        # The worker that takes a queued message keeps the distance; another request need not wait for it.
        pytest.param([queued(0, purpose="register")], None, id="queued just now"),
        pytest.param([queued(10)], (TOO_SOON, 50), id="queued for the same purpose"),
        pytest.param([queued(29.9)], (TOO_SOON, 31), id="queued for the same purpose, just worth sending"),
        pytest.param([queued(30)], None, id="queued for so long that nobody will send it"),
        pytest.param([queued(3599, kind=Kind.NOTICE, purpose="")], None, id="a notice in the queue"),
        pytest.param(
            [sending(3000, kind=Kind.NOTICE, purpose="", taken_at=NOW - timedelta(seconds=2))],
            (TOO_SOON, 7),
            id="taken out of the queue 2 s ago, after a long wait",
        ),
        pytest.param([sending(0, purpose="register")], (TOO_SOON, 9), id="being sent since just now"),
        pytest.param([sending(5, purpose="register")], (TOO_SOON, 4), id="being sent since 5 s"),
        # After the deadline: one second at a time, until the lease of 60 s ends.
        pytest.param([sending(20, purpose="register")], (TOO_SOON, 1), id="being sent since 20 s"),
        pytest.param([sending(59.9, purpose="register")], (TOO_SOON, 1), id="being sent, just within the lease"),
        pytest.param([sending(60, purpose="register")], None, id="being sent, past the lease"),
        # 60 seconds between messages of one purpose, from the request.
        pytest.param([sent(1)], (TOO_SOON, 59), id="same purpose, 1 s ago"),
        pytest.param([sent(59.5)], (TOO_SOON, 1), id="same purpose, 59.5 s ago"),
        pytest.param([sent(60)], None, id="same purpose, 60 s ago"),
        # Of several waits the longest is returned.
        pytest.param([other(0.5), sent(10)], (TOO_SOON, 50), id="pace and interval at once"),
        # An unsent message is not counted, and delays no other.
        pytest.param([sent(2, counted=False, state=State.REFUSED)], None, id="refused 2 s ago"),
        pytest.param([sent(0.1, counted=False, state=State.UNSENT)], None, id="unsent just now"),
        # A refused message did reach the platform, which counts attempts in each second.
        pytest.param([sent(0.1, counted=False, state=State.REFUSED)], (TOO_SOON, 1), id="refused just now"),
        pytest.param([sent(10, state=State.UNKNOWN)], (TOO_SOON, 50), id="unknown counts as sent"),
    ],
)
def test_messages_to_one_number_wait_for_each_other(messages, expected):
    found = refusal(*messages)

    assert found == (expected and Refusal(code=expected[0], retry_after=expected[1]))


def five(oldest, **changes):
    """Return five messages an hour apart, except for the oldest."""
    return [sent(3600 * number, **changes) for number in range(1, 5)] + [sent(oldest, **changes)]


@pytest.mark.parametrize(
    ("messages", "kind", "expected"),
    [
        pytest.param(five(DAY)[:4], Kind.CODE, None, id="four"),
        pytest.param(five(DAY - 1), Kind.CODE, (FULL, 1), id="five, a second before the oldest is a day old"),
        pytest.param(five(DAY), Kind.CODE, None, id="five, the oldest a day old"),
        pytest.param(five(DAY + 1), Kind.CODE, None, id="five, a second after the oldest is a day old"),
        # NOW is ten seconds after midnight in Shanghai: five before midnight still count.
        pytest.param(five(20), Kind.CODE, (FULL, DAY - 4 * 3600), id="five, midnight between"),
        pytest.param([sent(61 + n) for n in range(5)], Kind.CODE, (FULL, DAY - 65), id="five just before midnight"),
        # The platform counts from the arrival, which is not later than the end of the call.
        pytest.param(five(DAY + 5, finished_at=NOW - timedelta(hours=23)), Kind.CODE, (FULL, 3600), id="late ends"),
        # Codes have a limit of their own, and count as messages too.
        pytest.param(five(20_000, kind=Kind.NOTICE), Kind.CODE, (FULL, DAY - 20_000), id="a code after five notices"),
        pytest.param(five(20_000), Kind.NOTICE, (FULL, DAY - 20_000), id="a notice after five codes"),
        pytest.param(five(20_000, counted=False, state=State.REFUSED), Kind.CODE, None, id="five that did not leave"),
        pytest.param(five(20_000, state=State.UNKNOWN), Kind.CODE, (FULL, DAY - 20_000), id="five unknown"),
        pytest.param([*five(DAY - 30), other(DAY - 20)], Kind.CODE, (FULL, 30), id="six: two must grow old"),
    ],
)
def test_five_messages_leave_in_any_24_hours(messages, kind, expected):
    found = refusal(*messages, kind=kind)

    assert found == (expected and Refusal(code=expected[0], retry_after=expected[1]))


def refused(number, result_code):
    """Return refused messages a minute apart, the newest a minute old."""
    changes = {"counted": False, "state": State.REFUSED, "result_code": result_code}
    return [sent(60 * (place + 1), **changes) for place in range(number)]


@pytest.mark.parametrize(
    ("messages", "kind", "expected"),
    [
        pytest.param(refused(14, 4072), Kind.CODE, None, id="14 refused texts"),
        pytest.param(refused(15, 4072), Kind.CODE, (FULL, DAY - 900), id="15 refused texts"),
        pytest.param(refused(15, 4077), Kind.NOTICE, (FULL, DAY - 900), id="15 for no known reason, then a notice"),
        # The platform may check the balance last, after it has counted.
        pytest.param(refused(15, 4051), Kind.CODE, (FULL, DAY - 900), id="15 without balance"),
        pytest.param(refused(15, None), Kind.CODE, (FULL, DAY - 900), id="15 times HTTP 429"),
        pytest.param([*refused(11, 407), *five(20_000)[:4]], Kind.CODE, (FULL, DAY - 14_400), id="4 of 15 left"),
        # A refused account, or a text that is no number, is not an attempt at a number.
        pytest.param(refused(40, 405), Kind.CODE, None, id="a wrong key"),
        pytest.param(refused(40, 406), Kind.CODE, None, id="a number that does not exist"),
        pytest.param(
            [sent(60 * n, counted=False, state=State.UNSENT) for n in range(1, 40)], Kind.CODE, None, id="unsent"
        ),
    ],
)
def test_a_number_is_tried_fifteen_times_in_any_24_hours(messages, kind, expected):
    """The platform counts refused attempts too, and puts a number on its blacklist after twenty (408)."""
    found = refusal(*messages, kind=kind)

    assert found == (expected and Refusal(code=expected[0], retry_after=expected[1]))


def test_attempts_are_not_fewer_than_allowed_messages():
    rules = Rules(resend_interval=timedelta(seconds=60), messages=30, codes=30)

    assert refusal(*refused(29, 4072), rules=rules) is None
    assert refusal(*refused(30, 4072), rules=rules) == Refusal(code=FULL, retry_after=DAY - 1_800)


def test_codes_may_be_limited_more_tightly_than_messages():
    rules = Rules(resend_interval=timedelta(seconds=60), messages=5, codes=2)
    messages = [sent(7_200), sent(3_600)]

    assert refusal(*messages, rules=rules) == Refusal(code=FULL, retry_after=DAY - 7_200)
    assert refusal(*messages, rules=rules, kind=Kind.NOTICE) is None


AHEAD, PAST = NOW + timedelta(seconds=90), NOW - timedelta(seconds=1)


@pytest.mark.parametrize(
    ("learned", "kind", "expected"),
    [
        pytest.param({"wait_until": AHEAD}, Kind.CODE, (TOO_SOON, 90), id="4080: wait"),
        pytest.param({"wait_until": PAST}, Kind.CODE, None, id="4080: waited"),
        pytest.param({"full_until": AHEAD}, Kind.NOTICE, (FULL, 90), id="4082: full"),
        pytest.param({"full_until": PAST}, Kind.CODE, None, id="4082: the day is over"),
        pytest.param({"code_full_until": AHEAD}, Kind.CODE, (FULL, 90), id="4085: full for codes"),
        pytest.param({"code_full_until": AHEAD}, Kind.NOTICE, None, id="4085: notices still leave"),
        # A suppressed number counts down like a full one and starts again, so that no answer distinguishes it.
        pytest.param({"suppressed_at": PAST, "suppressed_code": 408}, Kind.NOTICE, (FULL, DAY - 1), id="408"),
        pytest.param({"suppressed_at": PAST - timedelta(days=99)}, Kind.CODE, (FULL, DAY - 1), id="408: for ever"),
        pytest.param({"suppressed_at": NOW - timedelta(days=1)}, Kind.CODE, (FULL, DAY), id="408: after a day"),
        pytest.param(
            {"wait_until": AHEAD, "suppressed_at": PAST}, Kind.CODE, (FULL, DAY - 1), id="the longest is told"
        ),
    ],
)
def test_the_platforms_limits_of_a_number_hold(learned, kind, expected):
    found = refusal(kind=kind, **learned)

    assert found == (expected and Refusal(code=expected[0], retry_after=expected[1]))


@given(st.lists(st.floats(min_value=0, max_value=90_000), max_size=12))
def test_a_refusal_ends_when_it_says_and_not_before(ages):
    messages = [sent(age) for age in ages]
    found = refusal(*messages)

    later = NOW + timedelta(seconds=found.retry_after if found else 0)
    snapshot = Snapshot(now=later, recipient=Recipient(), verification=None, messages=messages)
    assert find_refusal(snapshot, purpose="login", kind=Kind.CODE, rules=RULES) is None


@given(st.lists(st.integers(min_value=1, max_value=4_000), min_size=1, max_size=200))
def test_no_24_hours_ever_hold_more_than_five_messages(pauses):
    moment, messages = NOW, []
    for pause in pauses:
        moment += timedelta(seconds=pause)
        snapshot = Snapshot(now=moment, recipient=Recipient(), verification=None, messages=messages)
        if find_refusal(snapshot, purpose="login", kind=Kind.CODE, rules=RULES) is None:
            messages = [*messages, sent(0, created_at=moment, finished_at=moment)]

    moments = [message.created_at for message in messages]
    assert all(later - earlier >= timedelta(days=1) for earlier, later in zip(moments, moments[5:], strict=False))
    assert all(later - earlier >= timedelta(seconds=60) for earlier, later in itertools.pairwise(moments))
