"""Budgets behind the REST API: the client and the user are those that no caller can choose."""

import random

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured

from tests.api.conftest import Caller
from tests.api.test_clients import REAL, forged
from tests.guards.budgets.test_guard import GUARD, OFF

pytestmark = pytest.mark.django_db


@pytest.fixture
def budgets(ihuyi):
    def change(**chosen):
        ihuyi(GUARDS=[GUARD], BUDGETS=OFF | {name: {"MODE": "refuse", **entry} for name, entry in chosen.items()})

    return change


def phones(count):
    return [f"13{number:05d}{number:04d}" for number in range(count)]


def codes_of(answers):
    return [answer.json().get("code", answer.status_code) for answer in answers]


def test_f13_a_thousand_forged_headers_bring_no_message_more(budgets, sent, figure):
    budgets(client={"LIMITS": ["5/m", "20/h"], "NUMBERS": ["10/h"]})
    caller = Caller(REMOTE_ADDR=REAL)

    answers = [caller.send(phone, **forged(random.getrandbits(32))) for phone in phones(1_000)]

    figure("F13 messages of one client that forges headers 1000 times", f"{len(sent)} [target 5]")
    assert codes_of(answers) == [202] * 5 + ["client_limit"] * 995
    assert len(sent) == 5


def test_a_subscriber_has_one_budget_for_all_addresses_of_a_64(budgets):
    budgets(client={"LIMITS": ["2/m"]})

    answers = [Caller(REMOTE_ADDR=f"2001:db8:1:2::{n:x}").send(phone) for n, phone in enumerate(phones(4))]

    assert codes_of(answers) == [202, 202, "client_limit", "client_limit"]


def test_a_user_has_one_budget_from_all_addresses(budgets):
    budgets(user={"LIMITS": ["2/m"]})
    user = get_user_model().objects.create_user("li")
    callers = [Caller(REMOTE_ADDR=f"203.0.113.{number}") for number in range(3)]
    for caller in callers:
        caller.client.force_login(user)

    answers = [caller.send(phone) for caller, phone in zip(callers, phones(3), strict=True)]

    assert codes_of(answers) == [202, 202, "client_limit"]


def test_a_refusal_says_when_to_come_back(api, budgets):
    budgets(**{"global": {"LIMITS": ["1/h"]}})
    api.send("13800138000")

    answer = api.send("13900139000")

    assert (answer.status_code, answer.json()["code"]) == (429, "global_limit")
    assert 3_590 < answer.json()["retry_after"] <= 3_660


def test_a_denied_segment_is_a_wrong_phone(api, ihuyi):
    ihuyi(DENIED_PREFIXES=["170"])

    answer = api.send("17012345678")

    assert answer.status_code == 400
    assert answer.json()["errors"] == [{"field": "phone", "code": "invalid", "detail": "This value is not valid."}]


def test_an_exempt_client_is_not_counted_at_the_edge_either(ihuyi):
    ihuyi(CLIENT_LIMITS={"send": ["1/d"]}, EXEMPT_CLIENTS=["203.0.113.0/24"])
    office, stranger = Caller(REMOTE_ADDR=REAL), Caller(REMOTE_ADDR="198.51.100.1")

    answers = [
        caller.send(phone) for caller, phone in zip([office, office, stranger, stranger], phones(4), strict=True)
    ]

    assert codes_of(answers) == [202, 202, 202, "client_limit"]


def test_guards_raise_an_error_for_a_request_without_an_address(budgets):
    """Without CLIENT_LIMITS nobody at the edge asks for it; all would share one budget, or have none."""
    budgets(client={"LIMITS": ["5/m"]})
    caller = Caller(REMOTE_ADDR="")
    caller.client.raise_request_exception = True

    with pytest.raises(ImproperlyConfigured, match="TRUSTED_PROXY_COUNT"):
        caller.send()
