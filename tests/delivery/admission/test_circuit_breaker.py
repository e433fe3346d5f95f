"""The breaker: when nobody may call, for how long, and who finds out whether it works again."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, precondition, rule

from django_ihuyi.client.outcomes import FAULTS, Outcome, Submission
from django_ihuyi.client.results import CATALOGUE, Actor
from django_ihuyi.delivery.admission.circuit_breaker import (
    FAILS,
    FAILURES,
    OPEN_SECONDS,
    SOON,
    WORKS,
    BreakerPermit,
    CallHealth,
    CircuitBreaker,
    Transition,
    Wait,
    read_health,
)
from tests.support.clocks import Clock

WRONG_KEY, EMPTY = CallHealth(works=False, blocked_by=405), CallHealth(works=False, blocked_by=4051)
LESSONS = st.sampled_from([WORKS, FAILS, FAILS, FAILS, WRONG_KEY, None])


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(clock):
    return CircuitBreaker(clock=clock)


def teach(breaker, *lessons):
    """Make a call for each lesson, one after another; return what each one changed."""
    return [breaker.finish(breaker.admit(), lesson) for lesson in lessons]


def is_wait(answer):
    return isinstance(answer, Wait)


def test_the_fifth_failure_in_a_row_opens_it_for_thirty_seconds(breaker):
    assert teach(breaker, *[FAILS] * 5) == [None] * 4 + [Transition.FAILED]
    assert breaker.admit() == Wait(seconds=30)


def test_a_later_request_is_told_the_rest_of_the_time(breaker, clock):
    teach(breaker, *[FAILS] * 5)
    clock.let_pass(29.5)

    assert breaker.admit() == Wait(seconds=0.5)


def test_a_success_resets_the_failures(breaker):
    teach(breaker, *[FAILS] * 4, WORKS, *[FAILS] * 4)

    assert not is_wait(breaker.admit())


def test_a_call_that_shows_nothing_changes_no_count(breaker):
    teach(breaker, *[FAILS] * 4, None)

    assert teach(breaker, FAILS) == [Transition.FAILED]


def test_after_the_pause_one_probe_is_admitted_and_the_others_wait(breaker, clock):
    teach(breaker, *[FAILS] * 5)
    clock.let_pass(OPEN_SECONDS)

    probe, *others = [breaker.admit() for _ in range(10)]

    assert isinstance(probe, BreakerPermit)
    assert others == [Wait(seconds=SOON)] * 9


def test_a_probe_that_works_closes_it(breaker, clock):
    teach(breaker, *[FAILS] * 5)
    clock.let_pass(OPEN_SECONDS)

    assert teach(breaker, WORKS) == [Transition.RECOVERED]
    assert not is_wait(breaker.admit())


def test_a_probe_that_fails_opens_it_again_without_a_transition(breaker, clock):
    teach(breaker, *[FAILS] * 5)
    clock.let_pass(OPEN_SECONDS)

    assert teach(breaker, FAILS) == [None]
    assert breaker.admit() == Wait(seconds=OPEN_SECONDS)


def test_a_probe_that_made_no_call_is_followed_by_another(breaker, clock):
    teach(breaker, *[FAILS] * 5)
    clock.let_pass(OPEN_SECONDS)

    assert teach(breaker, None, WORKS) == [None, Transition.RECOVERED]


def test_a_probe_that_never_comes_back_is_replaced(breaker, clock):
    teach(breaker, *[FAILS] * 5)
    clock.let_pass(3600)
    lost = breaker.admit()
    clock.let_pass(OPEN_SECONDS)

    probe = breaker.admit()

    assert isinstance(probe, BreakerPermit)
    assert breaker.finish(lost, WORKS) is None
    assert breaker.finish(probe, WORKS) is Transition.RECOVERED


def test_a_call_that_began_before_it_opened_changes_nothing(breaker, clock):
    early = [breaker.admit() for _ in range(7)]
    turns = [breaker.finish(ticket, FAILS) for ticket in early[:5]]
    clock.let_pass(10)

    assert turns[-1] is Transition.FAILED
    assert breaker.finish(early[5], WORKS) is None
    assert breaker.finish(early[6], FAILS) is None
    assert breaker.admit() == Wait(seconds=20)


def test_while_it_fails_no_more_calls_are_under_way_than_failures_are_left(breaker):
    teach(breaker, FAILS, FAILS)

    answers = [breaker.admit() for _ in range(4)]

    assert [is_wait(answer) for answer in answers] == [False, False, False, True]
    assert answers[-1] == Wait(seconds=SOON)


def test_while_it_works_any_number_may_be_under_way(breaker):
    assert not any(is_wait(breaker.admit()) for _ in range(100))


def test_a_second_try_of_the_client_counts_as_one_more_failure(breaker):
    ticket = breaker.admit()

    assert breaker.may_retry()
    breaker.finish(ticket, FAILS)
    assert teach(breaker, FAILS, FAILS, FAILS) == [None, None, Transition.FAILED]


def test_there_is_no_second_try_where_it_would_be_one_too_many(breaker):
    teach(breaker, *[FAILS] * 4)
    breaker.admit()

    assert not breaker.may_retry()


def test_a_probe_is_tried_once(breaker, clock):
    teach(breaker, *[FAILS] * 5)
    clock.let_pass(OPEN_SECONDS)
    breaker.admit()

    assert not breaker.may_retry()


def test_one_refusal_of_the_account_blocks_it(breaker):
    assert teach(breaker, WORKS, WRONG_KEY) == [None, Transition.BLOCKED]
    assert breaker.admit() == Wait(seconds=OPEN_SECONDS)


def test_the_same_refusal_is_news_once(breaker, clock):
    early = [breaker.admit() for _ in range(3)]
    assert [breaker.finish(ticket, WRONG_KEY) for ticket in early] == [Transition.BLOCKED, None, None]

    for _ in range(5):
        clock.let_pass(OPEN_SECONDS)
        assert teach(breaker, WRONG_KEY) == [None]
        assert breaker.admit() == Wait(seconds=OPEN_SECONDS)


def test_another_refusal_is_news_again(breaker, clock):
    teach(breaker, WRONG_KEY)
    clock.let_pass(OPEN_SECONDS)

    assert teach(breaker, EMPTY) == [Transition.BLOCKED]


def test_an_account_that_was_mended_works_again_after_the_pause(breaker, clock):
    teach(breaker, WRONG_KEY)
    clock.let_pass(OPEN_SECONDS)

    assert teach(breaker, WORKS, WRONG_KEY) == [Transition.RECOVERED, Transition.BLOCKED]


def test_a_blocked_channel_whose_probe_fails_stays_blocked_for_the_same_reason(breaker, clock):
    teach(breaker, WRONG_KEY)
    clock.let_pass(OPEN_SECONDS)
    teach(breaker, FAILS)
    clock.let_pass(OPEN_SECONDS)

    assert teach(breaker, WRONG_KEY) == [None]


class AnyStory(RuleBasedStateMachine):
    """Calls begin, try twice and end in any order while time passes: what a dead platform sees stays bounded."""

    tickets = Bundle("tickets")

    def __init__(self):
        super().__init__()
        self.clock = Clock()
        self.breaker = CircuitBreaker(clock=self.clock)
        self.under_way = 0
        self.probe = self.shut_until = None
        #: Attempts that failed in a row, and how many may fail or be under way then.
        self.row = self.most = 0

    @rule(target=tickets)
    def begin(self):
        answer = self.breaker.admit()
        if is_wait(answer):
            assert 0 < answer.seconds <= OPEN_SECONDS
            return multiple()
        self.under_way += 1
        if self.shut_until is not None:
            assert self.clock() >= self.shut_until
            assert self.probe is None
            self.probe = answer
        return answer

    @rule(ticket=consumes(tickets), lesson=LESSONS, is_tried_twice=st.booleans())
    def end(self, ticket, lesson, is_tried_twice):
        if lesson is FAILS and is_tried_twice and self.breaker.may_retry():
            assert self.shut_until is None
            self.fail()
        turn = self.breaker.finish(ticket, lesson)
        is_probe = ticket is self.probe
        self.probe = None if is_probe else self.probe
        if self.shut_until is not None:
            self.learn_while_open(lesson, turn, is_probe=is_probe)
        else:
            self.learn_while_closed(lesson, turn)
        self.under_way -= 1

    def learn_while_open(self, lesson, turn, *, is_probe):
        assert (turn is Transition.RECOVERED) == (is_probe and lesson is WORKS)
        if turn is Transition.RECOVERED:
            self.shut_until = None
        elif turn is Transition.BLOCKED or (is_probe and lesson):
            self.shut_until = self.clock() + OPEN_SECONDS

    def learn_while_closed(self, lesson, turn):
        if lesson is FAILS:
            self.fail()
        elif lesson is WORKS:
            self.row = 0
        assert (turn is Transition.FAILED) == (self.row == FAILURES)
        assert (turn is Transition.BLOCKED) == (lesson is WRONG_KEY)
        if turn:
            self.row, self.shut_until = 0, self.clock() + OPEN_SECONDS

    def fail(self):
        self.row += 1
        if self.row == 1:
            self.most = max(FAILURES, self.under_way)

    # Nobody can say how long a probe takes, but no longer than a call may: none is ever given up for lost here.
    @precondition(lambda self: self.probe is None)
    @rule(seconds=st.sampled_from([0.5, 8.0, 29.0, OPEN_SECONDS]))
    def wait(self, seconds):
        self.clock.let_pass(seconds)

    @invariant()
    def a_dead_platform_sees_few_attempts(self):
        assert self.row == 0 or self.row + self.under_way <= self.most


AnyStory.TestCase.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
TestAnyStory = AnyStory.TestCase


#: Result codes that every further call meets, until an operator mends the account.
BLOCKING = {400, 401, 402, 405, 4050, 4051, 4052, 40502}


def submission(outcome, *, code=None, fault=""):
    return Submission(outcome=outcome, code=code, text="", fault=fault, elapsed=0.0)


@pytest.mark.parametrize("slug", FAULTS)
def test_every_fault_of_the_wire_is_a_failure(slug):
    """Also being told to slow down (HTTP 429): to call less is what a breaker does."""
    assert read_health(submission(FAULTS[slug].outcome, fault=slug), "sms") is FAILS


def test_a_message_that_caused_no_call_shows_nothing():
    assert read_health(submission(Outcome.UNSENT, fault="no_code"), "sms") is None


def test_a_backend_that_names_no_fault_fails_all_the_same():
    assert [read_health(submission(outcome), "sms") for outcome in (Outcome.UNSENT, Outcome.UNKNOWN)] == [FAILS, FAILS]


@pytest.mark.parametrize("code", [*CATALOGUE, 99_999])
def test_a_result_code_shows_that_the_platform_works_or_that_the_account_does_not(code):
    outcome = Outcome.ACCEPTED if code == 2 else Outcome.REFUSED

    expected = CallHealth(works=False, blocked_by=code) if code in BLOCKING else WORKS
    if code == 40501:  # while the clocks differ no password is taken
        expected = FAILS
    assert read_health(submission(outcome, code=code), "sms") == expected


def test_every_blocking_code_is_for_the_operator():
    assert {CATALOGUE[code].actor for code in BLOCKING} == {Actor.OPERATOR}


def test_a_refusal_without_a_result_code_shows_that_the_platform_works():
    assert read_health(submission(Outcome.REFUSED), "sms") is WORKS
