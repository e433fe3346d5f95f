"""What each outcome of a call teaches."""

import pytest

from django_ihuyi.client.outcomes import FAULTS, Outcome, Submission
from django_ihuyi.client.results import CATALOGUE, Actor
from django_ihuyi.delivery.admission.health import FAILS, WORKS, CallHealth, read_health

#: What every further call would meet too, until an operator has mended the account.
BLOCKING = {400, 401, 402, 405, 4050, 4051, 4052, 40502}


def submission(outcome, *, code=None, fault=""):
    return Submission(outcome=outcome, code=code, text="", fault=fault, elapsed=0.0)


@pytest.mark.parametrize("slug", FAULTS)
def test_every_fault_of_the_wire_is_a_failure(slug):
    """Also being told to slow down (HTTP 429): to call less is what a breaker does."""
    assert read_health(submission(FAULTS[slug].outcome, fault=slug)) is FAILS


def test_a_message_that_nobody_was_called_for_shows_nothing():
    assert read_health(submission(Outcome.UNSENT, fault="no_code")) is None


def test_a_backend_that_names_no_fault_fails_all_the_same():
    assert [read_health(submission(outcome)) for outcome in (Outcome.UNSENT, Outcome.UNKNOWN)] == [FAILS, FAILS]


@pytest.mark.parametrize("code", [*CATALOGUE, 99_999])
def test_a_result_code_shows_that_the_platform_works_or_that_the_account_does_not(code):
    outcome = Outcome.ACCEPTED if code == 2 else Outcome.REFUSED

    expected = CallHealth(works=False, blocked_by=code) if code in BLOCKING else WORKS
    if code == 40501:  # while the clocks differ no password is taken
        expected = FAILS
    assert read_health(submission(outcome, code=code)) == expected


def test_an_operator_can_mend_whatever_blocks():
    assert {CATALOGUE[code].actor for code in BLOCKING} == {Actor.OPERATOR}


def test_a_refusal_without_a_result_code_shows_that_the_far_side_works():
    assert read_health(submission(Outcome.REFUSED)) is WORKS
