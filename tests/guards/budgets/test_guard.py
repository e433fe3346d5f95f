"""The guard of budgets: who is refused and when, what operators are told, and what is given back."""

import dataclasses
import logging
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from django_ihuyi import delivery, retention, signals
from django_ihuyi.database.transactions import StaleRow
from django_ihuyi.exceptions import InvalidPhone, LimitReached, NotSent, SendingUnavailable
from django_ihuyi.guards import Guard
from django_ihuyi.guards.budgets import BudgetGuard
from django_ihuyi.guards.budgets.counters import GlobalCounter, Increment, PerOwnerCounter
from django_ihuyi.guards.budgets.rules import BudgetRule, Mode
from django_ihuyi.models import Message
from django_ihuyi.models.budgets import Budget
from django_ihuyi.rates import parse_rate
from django_ihuyi.retention.steps import STEPS
from tests.support.time_travel import let_pass
from tests.support.use_cases import PHONE, failing, guess_right, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("outbox")]

GUARD = "django_ihuyi.guards.budgets.BudgetGuard"
CLIENT, OTHER = "203.0.113.7", "203.0.113.8"
OFF = {name: {"MODE": "off"} for name in ("client", "user", "prefix", "global", "unverified", "conversion")}


class Solved(Guard):
    """A captcha that everybody solves."""

    reasons = []

    def check(self, wanted, *, using):
        if wanted.captcha_reason:
            self.reasons.append(wanted.captcha_reason)
        return dataclasses.replace(wanted, captcha_reason="")


class Unwilling(Guard):
    """A guard that comes later, and refuses."""

    def check(self, wanted, *, using):
        raise SendingUnavailable(retry_after=5)


@pytest.fixture
def budgets(configure):
    """Switch the guard on with these budgets and no others, as in `budgets(client={"LIMITS": ["5/m"]})`."""

    def change(*later, **chosen):
        entries = {
            name: {"LIMITS": [], "NUMBERS": [], "MODE": "refuse", **entry}
            if name != "conversion"
            else {"MODE": "refuse", **entry}
            for name, entry in chosen.items()
        }
        configure(GUARDS=[GUARD, *later], BUDGETS=OFF | entries)

    return change


@pytest.fixture
def told():
    """What operators were told: the arguments of `budget_exceeded`."""
    heard = []

    def listen(sender, signal, **arguments):
        heard.append(arguments)

    signals.budget_exceeded.connect(listen)
    yield heard
    signals.budget_exceeded.disconnect(listen)


def phone_of(number):
    """Return one of the phones that have nothing in common: each begins in its own way."""
    return f"+8613{number:05d}{number:04d}"


def ask(number=0, *, phone=None, **rest):
    """Ask for a code; return 202 or what was refused."""
    try:
        send(phone or phone_of(number), **rest)
    except LimitReached as error:
        return error.code
    except NotSent as error:
        return error.code
    return 202


def ask_many(count, *, first=0, **rest):
    return [ask(first + number, **rest) for number in range(count)]


def wait_of(number=0, **rest):
    """Return when a refused caller may come back."""
    with pytest.raises(LimitReached) as refused:
        send(phone_of(number), **rest)
    return refused.value.retry_after


def test_a_client_gets_so_many_messages_and_others_are_not_touched(budgets):
    budgets(client={"LIMITS": ["5/m", "20/h"]})

    answers = ask_many(7, client=CLIENT)

    assert answers == [202] * 5 + ["client_limit"] * 2
    assert 55 <= wait_of(9, client=CLIENT) <= 61
    assert ask(9, client=OTHER) == 202
    assert ask_many(3, first=20) == [202] * 3  # no client is known: Python's own callers


def test_the_window_of_a_client_rolls_so_that_no_edge_lets_twice_as_many_through(budgets):
    budgets(client={"LIMITS": ["5/m", "20/h"]})
    passed = 0
    for minute in range(4):
        passed += ask_many(6, first=10 * minute, client=CLIENT).count(202)
        let_pass(seconds=30)
        passed += ask_many(6, first=10 * minute + 500, client=CLIENT).count(202)
        let_pass(seconds=32)

    let_pass(minutes=30)
    assert (passed, ask_many(9, first=800, client=CLIENT)) == (20, ["client_limit"] * 9)
    let_pass(minutes=31)
    assert ask_many(6, first=900, client=CLIENT) == [202] * 5 + ["client_limit"]


def test_a_client_gets_messages_to_so_many_different_numbers(budgets):
    budgets(client={"NUMBERS": ["2/h"]})
    ask_many(2, client=CLIENT)
    let_pass(minutes=2)

    assert ask(2, client=CLIENT) == "client_limit"
    assert ask(1, client=CLIENT) == 202
    let_pass(minutes=59)
    # The first number is an hour old, the second was asked for again.
    assert ask_many(2, first=3, client=CLIENT) == [202, "client_limit"]


def test_a_user_is_counted_from_all_addresses(budgets):
    budgets(user={"LIMITS": ["2/h"]})

    answers = [ask(number, client=f"203.0.113.{number}", user="7") for number in range(3)]

    assert answers == [202, 202, "client_limit"]
    assert ask(9, user="8") == 202
    assert ask(10, user="a" * 255) == 202


def test_users_and_clients_that_a_database_might_take_for_one_are_counted_apart(budgets):
    """MariaDB tells neither upper from lower case nor accents apart, and finds one row for all of these."""
    names = ["abc", "ABC", "\u00e0bc", "abc "]
    budgets(user={"LIMITS": ["1/h"]}, client={"LIMITS": ["1/h"]}, unverified={"LIMITS": ["9/h"], "MODE": "captcha"})

    by_user = [[ask(10 * n + m, user=name) for m in range(2)] for n, name in enumerate(names)]
    by_client = [[ask(50 + 10 * n + m, client=name) for m in range(2)] for n, name in enumerate(names)]

    assert by_user == by_client == [[202, "client_limit"]] * 4
    assert len({budget.key.strip().casefold() for budget in Budget.objects.all()}) == 8


def test_neighbouring_numbers_share_a_budget(budgets):
    budgets(prefix={"NUMBERS": ["10/10m"]})
    neighbours = [f"+861380013{number:04d}" for number in range(12)]

    answers = [ask(phone=phone, client=f"10.0.0.{number}") for number, phone in enumerate(neighbours)]

    assert answers == [202] * 10 + ["global_limit"] * 2
    assert ask(phone="+8613800149999") == 202
    let_pass(minutes=5)
    assert ask(phone=neighbours[0]) == "global_limit"  # the answer does not show that it was requested before
    assert ask(phone=neighbours[11]) == "global_limit"
    let_pass(minutes=5, seconds=1)
    assert ask(phone=neighbours[11]) == 202


def test_f21_of_200_neighbouring_numbers_ten_get_a_message(configure, outbox, figure):
    """Nobody types a code in; each request comes from an address of its own."""
    configure(GUARDS=[GUARD])

    answers = [ask(phone=f"+861380013{number:04d}", client=f"10.0.{number}.1") for number in range(200)]

    figure("F21 messages to 200 neighbouring numbers, none verified", f"{len(outbox)} [target at most 50]")
    assert len(outbox) == answers.count(202) == 10


def test_all_together_have_a_ceiling_for_each_of_its_periods(budgets):
    budgets(**{"global": {"LIMITS": ["3/m", "5/d"]}})

    first = ask_many(5)
    let_pass(seconds=62)
    second = ask_many(5, first=10)

    assert first == [202] * 3 + ["global_limit"] * 2
    assert second == [202] * 2 + ["global_limit"] * 3
    assert 85_000 < wait_of(20) <= 86_400 + 1_440
    let_pass(hours=24, minutes=25)
    assert ask(30) == 202


def test_the_ceiling_of_a_minute_says_when_to_come_back(budgets):
    budgets(**{"global": {"LIMITS": ["1/m"]}})
    ask()

    wait = wait_of(1)
    let_pass(seconds=wait)

    assert 55 <= wait <= 61
    assert ask(2) == 202


def test_a_message_that_did_not_leave_is_given_back(budgets, configure):
    budgets(client={"LIMITS": ["2/h"], "NUMBERS": ["2/h"]}, **{"global": {"LIMITS": ["2/m"]}})
    configure(CHANNELS=failing(outcome="unsent"))
    refused = ask_many(3, client=CLIENT)
    configure(CHANNELS=failing())

    answers = ask_many(3, first=10, client=CLIENT)

    assert refused == ["sending_unavailable"] * 3
    assert answers == [202, 202, "client_limit"]


@pytest.mark.parametrize("later", [0, 2, 59], ids=lambda later: f"{later} s later")
def test_the_ceiling_takes_a_claim_back_in_whichever_slot_it_was_made(later):
    """Two seconds later another slot has begun, and what was claimed is among what is remembered."""
    rule = BudgetRule(name="global", mode=Mode.REFUSE, limits=(parse_rate("3/m"),), numbers=())
    counter, began = GlobalCounter(rule), read("global").now
    claims = [claim(counter, began) for _ in range(2)]
    claims.append(claim(counter, began + timedelta(seconds=later)))
    full = look(counter, began + timedelta(seconds=later))

    for given in claims[:2]:
        snapshot = read("global")
        counter.give_back(given, snapshot.budgets["global"], began + timedelta(seconds=later), using="default")

    now = began + timedelta(seconds=later + 1)
    answers = [look(counter, now) or claim(counter, now) for _ in range(3)]
    assert (full.reason, full.code) == ("messages 3/m", "global_limit")
    assert [isinstance(answer, Increment) for answer in answers] == [True, True, False]


def read(key):
    return Budget.objects.read([key])


def look(counter, now):
    return counter.look(dataclasses.replace(read("global"), now=now))


def claim(counter, now):
    return counter.claim(read("global").budgets["global"], now, using="default")


def test_of_two_readers_of_a_row_one_claims_it():
    rule = BudgetRule(name="client", mode=Mode.REFUSE, limits=(parse_rate("9/m"),), numbers=())
    counter = PerOwnerCounter(rule, CLIENT, mark="a")
    key = counter.key
    for _ in range(2):  # a row that is new, and one that is there
        first, second = read(key), read(key)
        counter.claim(first.budgets[key], first.now, using="default")
        with pytest.raises(StaleRow):
            counter.claim(second.budgets[key], second.now, using="default")

    assert Budget.objects.get(pk=key).version == 1


def test_of_two_simultaneous_first_refusals_one_is_announced():
    both = [read("unverified 203.0.113.7") for _ in range(2)]

    assert [note(snapshot) for snapshot in both] == [True, False]


def test_a_refusal_is_announced_although_the_budget_was_spent_since_it_was_read():
    refused, other = read("global"), read("global")
    Budget.objects.claim(other.budgets["global"], now=other.now, slot_spent=1)

    assert note(refused)
    assert (Budget.objects.get().reason, Budget.objects.get().slot_spent) == ("messages 1/m", 1)


def note(snapshot):
    [budget] = snapshot.budgets.values()
    return Budget.objects.note(budget, "messages 1/m", now=snapshot.now)


def test_a_slot_that_is_full_or_over_is_not_spent():
    rule = BudgetRule(name="global", mode=Mode.REFUSE, limits=(parse_rate("2/m"),), numbers=())
    counter, now = GlobalCounter(rule), read("global").now
    claim(counter, now)
    [stale, late] = [read("global").budgets["global"] for _ in range(2)]
    claim(counter, now)

    with pytest.raises(StaleRow):
        counter.claim(stale, now, using="default")
    with pytest.raises(StaleRow):  # it was read before the last one was spent
        counter.claim(late, now + timedelta(seconds=2), using="default")


def test_a_slot_is_not_spent_by_a_reader_of_the_former_one():
    counter = GlobalCounter(BudgetRule(name="global", mode=Mode.REFUSE, limits=(parse_rate("3/m"),), numbers=()))
    now = read("global").now
    claim(counter, now)
    late = read("global").budgets["global"]
    claim(counter, now + timedelta(seconds=2))

    with pytest.raises(StaleRow):
        counter.claim(late, now, using="default")
    assert Budget.objects.get().slot_spent == 1


def test_a_decision_from_before_a_breaker_was_cleared_is_not_written():
    """To clear counts up the version: otherwise a breaker that somebody has just closed would open again."""
    before = read("conversion")
    Budget.objects.claim(before.budgets["conversion"], now=before.now, history={"stage": "stop"})
    snapshot = read("conversion")
    Budget.objects.clear(Budget.objects.get())
    cleared = Budget.objects.get().history

    with pytest.raises(StaleRow):
        Budget.objects.claim(snapshot.budgets["conversion"], now=snapshot.now, history={"stage": "stop"})
    assert Budget.objects.get().history == cleared


def test_nothing_is_taken_back_from_a_slot_that_it_was_not_spent_in():
    counter = GlobalCounter(BudgetRule(name="global", mode=Mode.REFUSE, limits=(parse_rate("2/m"),), numbers=()))
    now = read("global").now
    former, latter = claim(counter, now), claim(counter, now + timedelta(seconds=2))

    taken_back = [Budget.objects.take_back(given.budget) for given in (former, latter, latter)]

    assert taken_back == [False, True, False]
    assert Budget.objects.get().slot_spent == 0


def test_a_message_that_a_later_guard_or_limit_refuses_is_given_back(budgets, configure):
    budgets(f"{__name__}.Unwilling", client={"LIMITS": ["3/h"]}, **{"global": {"LIMITS": ["4/d"]}})
    refused = ask_many(5, client=CLIENT)
    budgets(client={"LIMITS": ["3/h"]}, **{"global": {"LIMITS": ["4/d"]}})
    sent = ask(client=CLIENT)
    too_soon = [ask(client=CLIENT) for _ in range(5)]

    assert refused == ["sending_unavailable"] * 5
    assert (sent, too_soon) == (202, ["resend_too_soon"] * 5)
    assert ask_many(3, first=1, client=CLIENT) == [202, 202, "client_limit"]


def test_a_budget_that_refuses_gives_the_others_back(budgets):
    budgets(client={"LIMITS": ["3/h"]}, **{"global": {"LIMITS": ["1/d"]}})
    ask(client=CLIENT)

    assert ask_many(5, first=1, client=CLIENT) == ["global_limit"] * 5
    budgets(client={"LIMITS": ["3/h"]})
    assert ask_many(3, first=10, client=CLIENT) == [202, 202, "client_limit"]


class Overtaken(BudgetGuard):
    """Somebody else is faster: after this request has looked, and before it claims its part of the budget of all."""

    others = []

    def _claim(self, counter, snapshot, *, using):
        if counter.key == "global" and self.others:
            send(self.others.pop(), client=OTHER)
        return super()._claim(counter, snapshot, using=using)


def test_an_overtaken_request_gives_its_claims_back(budgets, configure):
    budgets(client={"LIMITS": ["1/h"]}, **{"global": {"LIMITS": ["1/d"]}})
    configure(GUARDS=[f"{__name__}.Overtaken"])
    Overtaken.others.append(phone_of(1))

    overtaken = ask(client=CLIENT)
    budgets(client={"LIMITS": ["1/h"]})

    assert (overtaken, Message.objects.get().client) == ("global_limit", OTHER)
    assert ask(2, client=CLIENT) == 202


def test_a_call_that_was_refused_as_impossible_costs_nothing(budgets, configure):
    """No code was ever sent that a voice could speak."""
    budgets(client={"LIMITS": ["1/h"]})
    configure(CHANNELS=failing() | {"voice": failing()["sms"]})
    with pytest.raises(ValueError, match="send that first"):
        send(PHONE, channel="voice", client=CLIENT)

    assert ask(client=CLIENT) == 202


def test_a_captcha_without_a_captcha_guard_is_a_refusal(budgets):
    budgets(client={"LIMITS": ["1/h"], "MODE": "captcha"})

    assert ask_many(2, client=CLIENT) == [202, "global_limit"]


def test_a_solved_captcha_lets_the_request_pass(budgets, told):
    Solved.reasons.clear()
    budgets(f"{__name__}.Solved", client={"LIMITS": ["1/h"], "MODE": "captcha"}, prefix={"NUMBERS": ["9/h"]})

    assert ask_many(4, client=CLIENT) == [202] * 4
    assert Solved.reasons == [f"client {CLIENT}: messages 1/h"] * 3
    assert told == [{"name": "client", "key": CLIENT, "reason": "messages 1/h", "mode": "captcha"}]


def test_what_is_only_recorded_refuses_nobody_and_is_told_once_a_minute(budgets, told, caplog):
    everything = {"LIMITS": ["1/h"], "NUMBERS": ["1/h"], "MODE": "record"}
    budgets(client=everything, user=everything, prefix=everything, unverified=everything, **{"global": everything})

    with caplog.at_level(logging.WARNING, "django_ihuyi.guards"):
        answers = [ask(phone=f"+861380013{n:04d}", client=CLIENT, user="7") for n in range(30)]

    assert answers == [202] * 30
    assert {(entry["name"], entry["key"]) for entry in told} == {
        ("client", CLIENT),
        ("user", "7"),
        ("prefix", "+861380013"),
        ("global", ""),
        ("unverified", CLIENT),
    }
    assert len(told) == 5
    assert caplog.text.count("is exceeded") == 5
    assert f"budget client {CLIENT} is exceeded: " in caplog.text


def test_a_budget_that_is_off_counts_nothing(budgets):
    budgets()

    assert ask_many(20, client=CLIENT, user="7") == [202] * 20
    assert Budget.objects.count() == 0


def test_a_budget_missing_in_the_settings_has_its_default(configure):
    configure(GUARDS=[GUARD], BUDGETS={"client": {"LIMITS": ["7/m"]}})

    assert ask_many(9, client=CLIENT).count(202) == 7
    assert ask_many(9, first=20, client=OTHER, user="7").count(202) == 5


def test_an_exempt_client_or_number_is_counted_by_the_global_budget_only(budgets, configure):
    limits = {"LIMITS": ["1/h"], "NUMBERS": ["1/h"]}
    budgets(client=limits, prefix=limits, unverified=limits, **{"global": {"LIMITS": ["9/d"]}})
    configure(EXEMPT_CLIENTS=["203.0.113.0/29", "2001:db8::7"], EXEMPT_NUMBERS=["138 0013 8000"])

    office = [ask(phone=f"+861390013{n:04d}", client=CLIENT) for n in range(3)]
    subscriber = ask_many(3, first=50, client="2001:db8::/64")
    tester = ask(phone=PHONE, client=OTHER)
    stranger = ask_many(2, first=60, client=OTHER)

    assert (office, subscriber, tester) == ([202] * 3, [202] * 3, 202)
    assert stranger == [202, "client_limit"]
    assert ask_many(2, first=70, client=CLIENT) == [202, "global_limit"]


def test_a_client_that_is_named_by_no_address_is_not_exempt(budgets, configure):
    budgets(client={"LIMITS": ["1/h"]})
    configure(EXEMPT_CLIENTS=["203.0.113.0/29"])

    assert [ask_many(2, first=number, client=name) for number, name in ((0, "till 7"), (2, "fe80::1%eth0"))] == [
        [202, "client_limit"],
        [202, "client_limit"],
    ]


def test_segments_that_are_denied_get_neither_codes_nor_notices(configure, outbox):
    configure(DENIED_PREFIXES=["170", "1440", "+4474"], TEMPLATES={"code": {"TEXT": "{code}"}, "n": {"TEXT": "您好"}})

    for phone in ("17012345678", "+86 144 0123 4567"):
        with pytest.raises(InvalidPhone):
            send(phone)
        with pytest.raises(InvalidPhone):
            delivery.send(phone, template="n")
    assert [ask(phone=phone) for phone in ("17112345678", "14412345678")] == [202, 202]
    assert len(outbox) == 2


def test_unverified_codes_are_counted_apart(budgets):
    budgets(unverified={"LIMITS": ["3/h"]})
    verified = [guess_right(send(phone_of(number), client=CLIENT)) for number in range(5)]

    answers = ask_many(5, first=10, client=CLIENT)

    assert len(verified) == 5
    assert answers == [202] * 3 + ["client_limit"] * 2
    assert 3_500 < wait_of(20, client=CLIENT) <= 3_600
    let_pass(minutes=61)
    assert ask(30, client=CLIENT) == 202


CONVERSION = {"WINDOW": 10, "MINIMUM": 5, "PERCENT": 50, "PATIENCE": 60, "REST": 600}


def verify_many(count, *, first=0):
    for number in range(count):
        guess_right(send(phone_of(first + number)))


def test_codes_that_are_fresh_say_nothing_yet(budgets):
    budgets(conversion=CONVERSION)
    ask_many(20)
    let_pass(seconds=50)

    assert ask_many(3, first=20) == [202] * 3


def test_when_too_few_codes_are_verified_a_captcha_is_wanted_and_operators_are_told_once(budgets, told):
    Solved.reasons.clear()
    budgets(f"{__name__}.Solved", conversion=CONVERSION)
    verify_many(2)
    ask_many(3, first=10)
    let_pass(seconds=61)

    answers = ask_many(4, first=20)

    assert answers == [202] * 4
    assert Solved.reasons == ["conversion: captcha 2/5"] * 4
    assert told == [{"name": "conversion", "key": "", "reason": "captcha 2/5", "mode": "refuse"}]
    assert Budget.objects.get(pk="conversion").reason == "captcha 2/5"


def test_when_robots_solve_the_captcha_nothing_more_is_sent(budgets, told):
    budgets(f"{__name__}.Solved", conversion=CONVERSION)
    ask_many(5)
    let_pass(seconds=61)
    behind_captcha = ask_many(5, first=10)
    let_pass(seconds=61)

    stopped = ask_many(3, first=20)

    assert (behind_captcha, stopped) == ([202] * 5, ["global_limit"] * 3)
    assert 590 < wait_of(29) <= 600
    assert [entry["reason"] for entry in told] == ["captcha 0/5", "stop 0/5"]
    let_pass(seconds=600)
    assert ask_many(3, first=30) == [202] * 3  # with a captcha
    assert len(told) == 2


def test_people_behind_the_captcha_end_it(budgets, told):
    Solved.reasons.clear()
    budgets(f"{__name__}.Solved", conversion=CONVERSION)
    ask_many(5)
    let_pass(seconds=61)
    verify_many(5, first=10)
    let_pass(seconds=61)
    Solved.reasons.clear()

    assert ask_many(3, first=20) == [202] * 3
    assert Solved.reasons == []


def test_the_captcha_ends_by_itself(budgets):
    budgets(conversion=CONVERSION)
    ask_many(5)
    let_pass(seconds=61)
    refused = ask_many(3, first=10)
    let_pass(seconds=601)

    assert refused == ["global_limit"] * 3
    assert ask_many(3, first=20) == [202] * 3


def test_messages_that_never_left_are_no_sign_of_robots(budgets, configure):
    budgets(conversion=CONVERSION)
    configure(CHANNELS=failing(outcome="unsent"))
    ask_many(9)
    let_pass(seconds=61)
    configure(CHANNELS=failing())

    assert ask_many(3, first=20) == [202] * 3


@pytest.mark.parametrize("policy", ["is_anybody", "is_registered"], ids=["sent", "decoys"])
def test_the_breaker_sees_no_difference_between_a_decoy_and_a_code_that_nobody_typed_in(budgets, configure, policy):
    """Otherwise one who brings it to the brink would learn by the next number whether that is registered."""
    configure(PURPOSES={"login": {"POLICY": f"tests.support.policies.{policy}"}})
    budgets(conversion=CONVERSION)
    ask_many(4)
    let_pass(seconds=61)
    on_the_brink = ask(10)
    let_pass(seconds=61)

    assert (on_the_brink, ask(20)) == (202, "global_limit")


def test_a_breaker_that_only_records_refuses_nobody(budgets, told):
    budgets(conversion={**CONVERSION, "MODE": "record"})
    ask_many(9)
    let_pass(seconds=61)

    assert ask_many(9, first=10) == [202] * 9
    assert [entry["mode"] for entry in told] == ["record"]


def test_a_refusal_is_told_with_its_reason(budgets):
    budgets(client={"LIMITS": ["1/h"]}, prefix={"NUMBERS": ["1/h"]})
    heard = []

    def listen(sender, signal, **arguments):
        heard.append((sender, arguments))

    signals.limit_hit.connect(listen)
    ask_many(2, client=CLIENT)
    ask(phone="+8613000000001", client=OTHER)
    signals.limit_hit.disconnect(listen)

    waits = [arguments.pop("retry_after") for _, arguments in heard]
    assert all(3_590 < wait <= 3_660 for wait in waits)
    assert heard == [
        (
            Budget,
            {"code": "client_limit", "phone": "", "client": CLIENT, "reason": f"client {CLIENT}: messages 1/h"},
        ),
        (
            Guard,
            {"code": "global_limit", "phone": "", "client": "", "reason": "prefix +861300000: numbers 1/h"},
        ),
    ]


def test_a_repeated_refusal_costs_one_statement(budgets):
    budgets(client={"LIMITS": ["1/h"], "NUMBERS": ["1/h"]}, **{"global": {"LIMITS": ["9/d"]}})
    ask_many(2, client=CLIENT)

    with CaptureQueriesContext(connection) as queries:
        ask_many(10, first=10, client=CLIENT)

    assert len(queries) == 10


def test_what_budgets_add_to_a_send_is_a_few_statements(configure, budgets, figure):
    counts = {}
    for name, guards in (("without", []), ("with", [GUARD])):
        configure(GUARDS=guards)
        ask(client=OTHER, phone="+8613900000000")  # the rows of all are there
        for caller, client, phone in (("a new client", CLIENT, "+8613700000001"), ("again", CLIENT, "+8613700000002")):
            with CaptureQueriesContext(connection) as queries:
                ask(client=client, phone=phone[:-1] + name[-1].replace("h", "3").replace("t", "4"))
            counts[name, caller] = len([query for query in queries if not is_framing(query)])
            let_pass(minutes=3)

    figure("statements of a send with budgets", f"{counts} (without: 5)")
    assert counts["with", "again"] - counts["without", "again"] <= 8


def is_framing(query):
    return query["sql"].split()[0] in {"BEGIN", "COMMIT", "SAVEPOINT", "RELEASE"}


def test_no_budget_holds_a_number(configure):
    configure(GUARDS=[GUARD])
    ask(phone=PHONE, client=CLIENT, user="7")
    ask(phone=PHONE, client=CLIENT, user="7")

    stored = str(list(Budget.objects.values()))
    assert (PHONE[1:] in stored, PHONE[3:] in stored, PHONE[-4:] + "'" in stored) == (False, False, False)


@pytest.mark.django_db(transaction=True)
def test_a_rollback_of_the_caller_gives_back(budgets):
    budgets(client={"LIMITS": ["1/h"]}, **{"global": {"LIMITS": ["2/d"]}})

    with transaction.atomic():
        ask(client=CLIENT)
        transaction.set_rollback(True)

    assert ask_many(2, client=CLIENT) == [202, "client_limit"]


def test_unused_budgets_are_purged(budgets):
    budgets(client={"LIMITS": ["1/h"]})
    ask_many(3, client=CLIENT)
    ask(10, client=OTHER)
    let_pass(days=3)
    ask(11, client=OTHER)

    list(retention.purge())

    assert [budget.key for budget in Budget.objects.all()] == [f"client {OTHER}"]


def test_a_budget_that_is_spent_between_a_purges_look_and_its_deletion_is_kept(budgets):
    budgets(client={"LIMITS": ["2/h"]}, **{"global": {"LIMITS": ["9/d"]}})
    ask(1, client=CLIENT)
    ask(2, client=OTHER)
    let_pass(days=3)
    [step] = [step for step in STEPS if step.model is Budget]
    picked = dict(step.due(using="default").values_list("pk", step.owner))
    ask_many(2, first=3, client=CLIENT)

    assert (len(picked), step.erase(Budget, picked, using="default")) == (3, 1)
    assert ask(5, client=CLIENT) == "client_limit"
    assert ask(5, client=OTHER) == 202


def test_a_budget_is_kept_for_as_long_as_one_of_its_limits_looks_back(budgets):
    budgets(client={"LIMITS": ["1/h", "3/30d"]})
    ask(1, client=CLIENT)
    let_pass(days=30)
    list(retention.purge())
    before = Budget.objects.count()

    let_pass(days=1, hours=1)
    list(retention.purge())

    assert (before, Budget.objects.count()) == (1, 0)


def test_a_number_limit_comes_after_the_budgets(budgets):
    """What strangers may spend is one thing, what a phone may get another: both hold."""
    budgets(client={"LIMITS": ["9/h"]})
    for _ in range(5):
        ask(phone=PHONE, client=CLIENT)
        let_pass(minutes=2)

    assert ask(phone=PHONE, client=CLIENT) == "number_limit"
    assert Message.objects.count() == 5


def test_after_a_stop_a_trial_sends_as_many_codes_as_are_judged(budgets):
    """Else an attack would send at its full rate until the first codes are judged, after each stop anew."""
    budgets(f"{__name__}.Solved", conversion=CONVERSION)
    ask_many(5)
    let_pass(seconds=61)
    ask_many(5, first=10)
    let_pass(seconds=61)
    assert ask(20) == "global_limit"
    let_pass(seconds=601)

    trial = []
    for number in range(8):
        trial.append(ask(30 + number))
        let_pass(seconds=1)  # the breaker looks at most once a second
    wait = wait_of(40)
    let_pass(seconds=61)

    assert trial == [202] * 5 + ["global_limit"] * 3
    assert wait == CONVERSION["PATIENCE"]
    assert ask(50) == "global_limit"
    assert Budget.objects.get(pk="conversion").history["stage"] == "stop"


def test_a_trial_whose_codes_are_verified_ends_the_stop(budgets):
    Solved.reasons.clear()
    budgets(f"{__name__}.Solved", conversion=CONVERSION)
    ask_many(5)
    let_pass(seconds=61)
    ask_many(5, first=10)
    let_pass(seconds=61)
    ask(20)
    let_pass(seconds=601)
    verify_many(5, first=30)
    let_pass(seconds=61)
    Solved.reasons.clear()

    assert ask_many(20, first=40) == [202] * 20
    assert Solved.reasons == []


def test_what_another_version_has_written_about_the_breaker_is_ignored(budgets):
    budgets(conversion=CONVERSION)
    ask()
    Budget.objects.filter(pk="conversion").update(history={"stage": "watch", "since": 0, "of_tomorrow": 1})

    assert ask(1) == 202
