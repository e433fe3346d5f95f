"""Budgets that want a captcha: of a prefix, a network and a client, and the customers whom they spare."""

import dataclasses
import time

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from django_ihuyi.exceptions import CaptchaRequired, LimitReached, NotSent, NumberRefused
from django_ihuyi.guards import Guard, Wanted, guarded
from django_ihuyi.guards.budgets import BudgetGuard
from django_ihuyi.models import Message, Recipient
from django_ihuyi.models.budgets import CONVERSION, Budget
from tests.guards.budgets.test_guard import CLIENT, GUARD, OFF, OTHER, phone_of
from tests.support.riddle_captcha import GUARD as CAPTCHAS
from tests.support.riddle_captcha import RIDDLE, solve
from tests.support.time_travel import let_pass
from tests.support.use_cases import PHONE, failing, guess_right, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("outbox")]

#: Too few of the last codes were verified.
OPEN = {"stage": "captcha", "since": 9e9, "checked": 9e9, "seen": "0/50"}


@pytest.fixture
def budgets(configure):
    """Keep these budgets and no others; a captcha is shown if one of them wants it."""

    def change(captchas=(CAPTCHAS,), rule="asked", **chosen):
        captcha = {"BACKEND": RIDDLE, "RULES": {"*": rule}}
        configure(GUARDS=[GUARD, *captchas], CAPTCHA=captcha, BUDGETS=OFF | chosen)

    return change


def ask(phone, *, solving=False, **rest):
    """Ask for a code; return 202 or the code of the refusal."""
    try:
        send(phone, **rest)
    except CaptchaRequired as wanted:
        if solving:
            return ask(phone, captcha=solve(wanted.challenge), **rest)
        return wanted.code
    except (LimitReached, NumberRefused) as refused:
        return refused.code
    return 202


def neighbour(number):
    return f"+861380013{number:04d}"


def ask_neighbours(numbers, **rest):
    return [ask(neighbour(number), client=f"10.0.0.{number}", **rest) for number in numbers]


STAGED = {"MODE": "refuse", "NUMBERS": ["3/10m"], "BEHIND_CAPTCHA": ["5/10m"]}


def test_a_prefix_wants_a_captcha_first_and_refuses_behind_it(budgets):
    budgets(prefix=STAGED)

    first = ask_neighbours(range(5))
    behind = ask_neighbours(range(10, 14), solving=True)

    assert first == [202] * 3 + ["captcha_required"] * 2
    assert behind == [202] * 2 + ["global_limit"] * 2
    let_pass(minutes=11)
    assert ask_neighbours([20]) == [202]


def test_a_number_alone_exempts_nobody_from_the_captcha(budgets):
    """A number that was verified or requested before gets the same answer as one that was not."""
    budgets(prefix=STAGED)
    ask_neighbours(range(3))
    let_pass(minutes=2)

    assert ask_neighbours([0, 1, 2, 7]) == ["captcha_required"] * 4


@pytest.mark.parametrize("options", [{"captchas": ()}, {"rule": "never"}], ids=["no guard", "never"])
def test_a_prefix_refuses_at_once_if_no_captcha_can_be_shown(budgets, options):
    budgets(**options, prefix=STAGED)
    ask_neighbours(range(3))

    with pytest.raises(LimitReached) as refused:
        send(neighbour(4))

    assert refused.value.code == "global_limit"
    assert 590 < refused.value.retry_after <= 610


def test_a_prefix_in_the_mode_captcha_never_refuses(budgets):
    budgets(prefix={**STAGED, "MODE": "captcha"})

    assert ask_neighbours(range(9), solving=True) == [202] * 9


def test_messages_of_a_prefix_refuse_also_behind_the_captcha(budgets):
    budgets(prefix={**STAGED, "LIMITS": ["4/h"]})

    assert ask_neighbours(range(6), solving=True) == [202] * 4 + ["global_limit"] * 2


def test_a_captcha_that_only_a_claim_wants_is_asked_for_by_the_next_guard(budgets, configure):
    """Another request was counted after this one had passed the guards."""
    budgets(prefix=STAGED)
    ask_neighbours(range(2))
    configure(GUARDS=[GUARD, CAPTCHAS, f"{__name__}.Overtaking"])
    Overtaking.phones = [neighbour(8)]

    overtaken = ask(neighbour(9))
    configure(GUARDS=[GUARD, CAPTCHAS])

    assert overtaken == "captcha_required"
    assert ask(neighbour(9), solving=True) == 202
    assert len(Budget.objects.get(pk="prefix +861380013").history["numbers"]) == 4


def test_a_captcha_that_was_solved_is_not_wanted_again_by_a_claim(budgets, configure):
    budgets(prefix=STAGED, client={"LIMITS": ["1/h"], "MODE": "captcha"})
    ask(PHONE, client=CLIENT)
    ask_neighbours(range(2))
    configure(GUARDS=[GUARD, CAPTCHAS, f"{__name__}.Overtaking"])
    Overtaking.phones = []
    with pytest.raises(CaptchaRequired) as wanted:
        send(neighbour(9), client=CLIENT)
    Overtaking.phones = [neighbour(8)]

    assert ask(neighbour(9), client=CLIENT, captcha=solve(wanted.value.challenge)) == 202


class Overtaking(Guard):
    """Another request is counted while this one passes the last guard."""

    phones = []

    def check(self, wanted, *, using):
        if self.phones:
            other = BudgetGuard()
            other.claim(other.check(dataclasses.replace(wanted, phone=self.phones.pop()), using=using), using=using)
        return wanted


NETWORK = {"LIMITS": ["2/h"], "NUMBERS": ["2/h"], "MODE": "refuse"}


def ask_networks(numbers, **rest):
    """Ask from a /64 network of one /48 for each number."""
    return [ask(phone_of(number), client=f"2001:db8:7:{number:x}::/64", **rest) for number in numbers]


def test_the_clients_of_a_48_want_a_captcha_at_four_times_the_figure(budgets):
    budgets(client=NETWORK)

    answers = ask_networks(range(10))
    solved = ask_networks(range(20, 40), solving=True)

    assert answers == [202] * 8 + ["captcha_required"] * 2
    assert solved == [202] * 20  # it never refuses: subscribers share such a network
    assert ask(phone_of(50), client="2001:db8:8:1::/64") == 202
    assert ask(phone_of(51), client=CLIENT) == 202


@pytest.mark.parametrize("options", [{"captchas": ()}, {"rule": "never"}], ids=["no guard", "never"])
def test_a_48_is_only_recorded_if_no_captcha_can_be_shown(budgets, options):
    budgets(**options, client=NETWORK)

    assert ask_networks(range(20)) == [202] * 20
    assert Budget.objects.get(pk="network 2001:db8:7::/48").reason == "messages 8/h"


@pytest.mark.parametrize("mode", ["record", "off"])
def test_a_48_does_no_more_than_the_budget_of_its_clients(budgets, mode):
    budgets(client={**NETWORK, "MODE": mode})

    assert ask_networks(range(20)) == [202] * 20


def test_a_refused_request_costs_one_statement_also_in_a_48(budgets):
    budgets(client=NETWORK)
    for number in range(3):
        ask(phone_of(number), client="2001:db8:7:1::/64")

    with CaptureQueriesContext(connection) as queries:
        answer = ask(phone_of(9), client="2001:db8:7:1::/64")

    assert (answer, len(queries)) == ("client_limit", 1)


@pytest.mark.parametrize(
    ("outcome", "kept"),
    [
        ({"outcome": "refused", "result_code": 406}, True),
        ({"outcome": "refused", "result_code": 4085}, True),
        ({"outcome": "refused", "result_code": 4030}, True),
        ({"outcome": "refused", "result_code": 4051}, False),
        ({"outcome": "unsent"}, False),
    ],
    ids=["wrong number", "full number", "blacklisted number", "no balance", "unreachable"],
)
def test_a_number_that_the_platform_refused_has_spent_the_requesters_budgets(budgets, configure, outcome, kept):
    """Else a robot would try on for ever."""
    each = {"LIMITS": ["1/d"], "MODE": "refuse"}
    budgets(client=each, user=each, prefix=each, **{"global": each})
    configure(CHANNELS=failing(**outcome))
    with pytest.raises(NotSent):
        send(neighbour(1), client=CLIENT, user="7")
    configure(CHANNELS=failing())

    again = {
        "client": ask(phone_of(1), client=CLIENT),
        "user": ask(phone_of(2), client=OTHER, user="7"),
        "prefix": ask(neighbour(2)),
    }

    if kept:
        assert again == {"client": "client_limit", "user": "client_limit", "prefix": "global_limit"}
        assert ask(phone_of(3)) == 202  # the ceiling of all has got its claim back
    else:
        assert again["client"] == 202


def test_a_marked_client_is_not_stopped_by_the_prefix_or_the_conversion_breaker(budgets):
    budgets(prefix={**STAGED, "NUMBERS": ["1/10m"], "BEHIND_CAPTCHA": ["1/10m"]}, conversion={"MODE": "refuse"})
    ask_neighbours([0])
    wanted = Wanted(phone=neighbour(1), purpose="login", channel="sms", client=CLIENT)

    for stage in ("captcha", "stop"):
        Budget.objects.filter(pk=CONVERSION).update(history={**OPEN, "stage": stage})
        with pytest.raises(LimitReached), guarded(wanted, using="default"):
            pass
        with guarded(dataclasses.replace(wanted, is_marked=True), using="default") as passed:
            passed.claim()

    prefix = Budget.objects.get(pk="prefix +861380013")
    assert len(prefix.history["numbers"]) == 1


def test_a_marked_client_keeps_its_own_budgets_and_counts_for_the_ceiling(budgets):
    budgets(client={"LIMITS": ["2/d"], "MODE": "refuse"}, **{"global": {"LIMITS": ["3/d"]}})
    wanted = Wanted(phone=PHONE, purpose="login", channel="sms", client=CLIENT, is_marked=True)

    for client, code in (
        (CLIENT, None),
        (CLIENT, None),
        (CLIENT, "client_limit"),
        (OTHER, None),
        (OTHER, "global_limit"),
    ):
        try:
            with guarded(dataclasses.replace(wanted, client=client), using="default") as passed:
                passed.claim()
            answer = None
        except LimitReached as refused:
            answer = refused.code
        assert answer == code


class Overwriting(Guard):
    """Another message to the phone is written between the claims of this request and its write."""

    claims = 0

    def check(self, wanted, *, using):
        return wanted

    def claim(self, wanted, *, using):
        type(self).claims += 1
        Recipient.objects.update(version=F("version") + 1)
        return wanted


def test_a_request_that_must_read_its_phone_again_is_counted_once(budgets, configure):
    budgets(client={"LIMITS": ["2/d"], "MODE": "refuse"}, **{"global": {"LIMITS": ["2/d"]}})
    ask(PHONE, client=OTHER)
    let_pass(minutes=2)
    Overwriting.claims = 0
    configure(GUARDS=[GUARD, f"{__name__}.Overwriting"])

    answer = ask(PHONE, client=CLIENT)
    configure(GUARDS=[GUARD])

    assert (answer, Overwriting.claims, Budget.objects.get(pk="global").slot_spent) == (202, 1, 1)
    assert ask(phone_of(1), client=CLIENT) == "global_limit"


class Slow(Guard):
    """A captcha that is judged slowly."""

    def check(self, wanted, *, using):
        time.sleep(1.1)
        return wanted


def test_a_request_is_counted_at_the_time_of_its_claim(budgets, configure):
    """With the time of its first look, more messages than the limit could be written within one window."""
    budgets(**{"global": {"LIMITS": ["9/m"]}})
    ask(phone_of(0))
    configure(GUARDS=[GUARD, f"{__name__}.Slow"])
    before = Budget.objects.get(pk="global").slot_began

    ask(phone_of(1))

    after = Budget.objects.get(pk="global")
    assert (after.slot_began > before, after.slot_spent) == (True, 1)


def test_the_message_of_a_marked_client_is_not_in_the_sample(outbox):
    device = guess_right(send(PHONE)).device
    let_pass(minutes=2)

    send(PHONE)
    let_pass(minutes=2)
    send(PHONE, device=device)

    assert [bool(sampled_at) for sampled_at in Message.objects.order_by("pk").values_list("sampled_at", flat=True)] == [
        True,
        True,
        False,
    ]


def test_a_customer_with_a_mark_gets_a_code_while_strangers_are_stopped(budgets):
    """The whole way: the mark comes with a right code, and the prefix and the breaker stop everybody else."""
    device = guess_right(send(neighbour(1))).device
    let_pass(minutes=11)
    budgets(prefix=STAGED, conversion={"MODE": "refuse"})
    ask_neighbours(range(10, 16), solving=True)
    Budget.objects.filter(pk=CONVERSION).update(history={**OPEN, "stage": "stop"})

    strangers = [ask(neighbour(number), solving=True) for number in (1, 2)]
    foreign = ask(neighbour(2), device=device, solving=True)

    assert (strangers, foreign) == (["global_limit"] * 2, "global_limit")
    assert ask(neighbour(1), device=device) == 202
