"""Requests from all sides at once, and more of them than a budget has: how many messages leave."""

import collections
import contextlib
import secrets

import pytest
from django.db import connection

from django_ihuyi.exceptions import LimitReached
from django_ihuyi.models import Message
from django_ihuyi.models.budgets import Budget
from django_ihuyi.verification import send_code
from tests.conftest import url_of
from tests.proofs.support.concurrent_requests import ROUNDS
from tests.proofs.support.processes import WORKERS, running_site
from tests.proofs.support.site_client import WARM, Site, budgets, new_phone, send
from tests.proofs.support.summaries import spread
from tests.support.time_travel import let_pass

pytestmark = pytest.mark.proof

VOLLEY = 500
NOBODY_LISTENS = "redis://127.0.0.1:1/0"
NEIGHBOURS = 200


def begin():
    """Forget what warming the site has spent."""
    Message.objects.all().delete()
    Budget.objects.all().delete()


def fire(site, requests):
    """Send them in volleys, each of which arrives at the same moment."""
    volleys = (requests[first : first + VOLLEY] for first in range(0, len(requests), VOLLEY))
    return [answer for volley in volleys for answer in site.fire(volley)]


def accepted(answers):
    return sum(answer.status == 202 for answer in answers)


@pytest.mark.parametrize(
    ("cache", "environment"),
    [
        pytest.param("not asked", {}, id="database"),
        # The edge counts the send log instead, and lets through what it has not counted yet.
        pytest.param(
            "down",
            {"REDIS_URL": NOBODY_LISTENS, "PROOF_GLOBAL_LIMITS": "1000/d"},
            marks=pytest.mark.once,  # what judges is the same statement
            id="cache down",
        ),
    ],
)
def test_1000_of_5000_parallel_requests_pass_the_ceiling_of_all(running, figure, cache, environment):
    """By the day and by the minute at once; whoever is refused is told so in a documented way."""
    with running(**budgets(**{"global": {"LIMITS": ["100000/m", "1000/d"]}}), **environment) as site:
        begin()
        answers = fire(site, [send(new_phone()) for _ in range(5_000)])

    figure(f"S-22 budget of all, cache {cache}", f"{accepted(answers)} of 5000, {VOLLEY} at once [target 1000]")
    assert accepted(answers) == Message.objects.filter(counted=True).count() == 1_000
    assert {answer.code for answer in answers if answer.status != 202} <= {"global_limit", "sending_unavailable"}


def test_ten_of_200_neighbouring_numbers_get_a_message(running, figure):
    """F21: all at the same moment, and no code typed in."""
    sent = []
    with running(**budgets(prefix={"NUMBERS": ["10/10m"]})) as site:
        for _ in range(ROUNDS):
            segment = f"13{secrets.randbelow(10**5):05}"
            answers = site.fire([send(f"{segment}{number:04}") for number in range(NEIGHBOURS)])
            sent.append(accepted(answers))

    figure("F21 messages to 200 neighbouring numbers at once", f"{spread(sent)} ({ROUNDS} rounds) [target at most 50]")
    assert sent == [10] * ROUNDS


@pytest.fixture
def strict_site(platform):
    """A site that refuses nearly all, also while it is warming: so it warms by refusing."""
    chosen = budgets(client={"LIMITS": ["20/h"], "NUMBERS": ["10/h"]})
    with running_site(database_url=url_of(connection), platform_url=platform.submit_url, **chosen) as address:
        site, answered = Site(address, platform), collections.Counter()
        while len(answered) < WORKERS or min(answered.values()) < WARM:
            answered.update(answer.worker for answer in site.fire([send(new_phone()) for _ in range(50)]))
        begin()
        yield site


def test_an_address_gets_ten_numbers_however_many_it_asks_for(strict_site, figure):
    """All from one address at the same moment, to as many numbers."""
    answers = fire(strict_site, [send(new_phone()) for _ in range(2_000)])

    figure("S-22 messages of one address to 2000 numbers, 500 at once", f"{accepted(answers)} [target 10]")
    assert accepted(answers) == 10


@pytest.mark.once
@pytest.mark.usefixtures("outbox")
def test_10000_requests_of_one_address_to_10000_numbers_bring_no_more_than_its_hour(configure, figure):
    """In this process, an hour long: a request every third of a second, with the default budgets."""
    configure(GUARDS=["django_ihuyi.guards.budgets.BudgetGuard"])
    sent = 0
    for number in range(10_000):
        with contextlib.suppress(LimitReached):
            send_code(f"13{number:05}{number:04}", purpose="login", client="203.0.113.7")
            sent += 1
        if number % 500 == 499:
            let_pass(minutes=3)

    figure("S-22 messages of one address to 10,000 numbers in an hour", f"{sent} of 10000 requests [target at most 20]")
    assert sent == Message.objects.count() <= 20
