"""The ceiling of all: only requests that are about to become messages spend it, wherever it is counted."""

import json

import pytest
from django.contrib.auth import get_user_model

from django_ihuyi.models.budgets import CONVERSION, Budget
from django_ihuyi.signals import limit_hit
from django_ihuyi.verification import send_code
from tests.api.conftest import Caller
from tests.guards.budgets.test_guard import GUARD as BUDGETS
from tests.support.riddle_captcha import GUARD as CAPTCHAS
from tests.support.riddle_captcha import RIDDLE, solve
from tests.support.use_cases import failing

pytestmark = pytest.mark.django_db

CEILING = 3
JUNK = {
    "no members": {},
    "a wrong phone": {"phone": "12345", "purpose": "login"},
    "an unknown purpose": {"phone": "13700137000", "purpose": "nothing"},
    "an unknown channel": {"phone": "13700137000", "purpose": "login", "channel": "fax"},
    "a denied segment": {"phone": "17012345678", "purpose": "login"},
    "no captcha": {"phone": "13700137000", "purpose": "login"},
    "a wrong captcha": {"phone": "13700137000", "purpose": "login", "captcha": {"challenge_id": "1.a.b", "word": "x"}},
    "a number that is full": {"phone": "13600136000", "purpose": "login", "captcha": "solved"},
    "a test number": {"phone": "13500135000", "purpose": "login", "captcha": "solved"},
}


def post(body, address):
    """Send a body from an address; solve a captcha where the body says so."""
    caller = Caller(REMOTE_ADDR=address)
    if body.get("captcha") == "solved":
        challenge = caller.check(caller.client.get("/api/phone/captcha/?purpose=login")).json()
        body = {**body, "captcha": solve(challenge)}
    return caller.post("send-code/", json.dumps(body))


def send(phone, address):
    return post({"phone": phone, "purpose": "login", "captcha": "solved"}, address)


@pytest.fixture(params=["in the cache", "in the database"])
def site(request, ihuyi):
    """A site with a captcha and a ceiling of three, which is counted in one of the two places."""
    exact = {"GUARDS": [BUDGETS, CAPTCHAS], "BUDGETS": {"global": {"LIMITS": [f"{CEILING}/d"]}}}
    cached = {"GUARDS": [CAPTCHAS], "GLOBAL_LIMITS": {"send": [f"{CEILING}/d"]}}
    ihuyi(
        CAPTCHA={"BACKEND": RIDDLE},
        DENIED_PREFIXES=["170"],
        NUMBER_LIMITS={"messages": 1},
        TEST_NUMBERS={"13500135000": {"secret_code": "246810", "until": "2999-01-01", "name": "review"}},
        **(cached if request.param == "in the cache" else exact),
    )
    ihuyi(CLIENT_LIMITS={"send": ["20/m"]})


def spent():
    """Return what is counted in the database, for all requests together and for each of their owners."""
    return {budget.key: (budget.slot_spent, budget.history) for budget in Budget.objects.exclude(pk=CONVERSION)}


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("kind", JUNK)
def test_f23_junk_spends_nothing_that_others_need(kind, figure):
    send("13600136000", "192.0.2.1")
    before = spent()

    for network in range(40):
        post(JUNK[kind], f"2001:db8:{network:x}::1")
    after = spent()
    honest = [send(f"139001390{n:02d}", f"198.51.100.{n}").status_code for n in range(CEILING - 1)]

    figure(f"F23 codes of honest visitors beside junk ({kind})", f"{honest.count(202)} of {len(honest)}")
    assert after == before
    assert honest == [202] * (CEILING - 1)
    assert send("13800138000", "198.51.100.99").json()["code"] == "global_limit"


@pytest.mark.usefixtures("site")
def test_a_request_without_a_captcha_writes_no_row():
    answers = [post(JUNK["no captcha"], f"2001:db8:{n:x}::1").json()["code"] for n in range(5)]

    assert answers == ["captcha_required"] * 5
    assert list(Budget.objects.exclude(pk=CONVERSION)) == []


@pytest.mark.usefixtures("site")
def test_a_decoy_counts_as_a_message(ihuyi):
    """Else the ceiling would show who has registered."""
    ihuyi(PURPOSES={"login": {"POLICY": "tests.support.policies.is_registered"}})

    answers = [send(f"139001390{n:02d}", f"198.51.100.{n}").json().get("code") for n in range(CEILING + 1)]

    assert answers == [None] * CEILING + ["global_limit"]


def test_a_message_that_did_not_leave_is_given_back_where_it_is_counted_exactly(ihuyi):
    ihuyi(GUARDS=[BUDGETS], BUDGETS={"global": {"LIMITS": ["1/d"]}}, CHANNELS=failing(outcome="unsent"))
    Caller().send("13800138000")
    ihuyi(CHANNELS=failing())

    assert Caller().send("13900139000").status_code == 202


def test_the_ceiling_in_the_cache_follows_the_budget_of_all(ihuyi):
    ihuyi(GLOBAL_LIMITS={"send": None}, BUDGETS={"global": {"LIMITS": ["2/d"]}})

    answers = [Caller().send(f"139001390{n:02d}").json().get("code") for n in range(3)]

    assert answers == [None, None, "global_limit"]


def test_a_ceiling_of_its_own_holds_beside_the_budget_of_all(ihuyi):
    ihuyi(GUARDS=[BUDGETS], GLOBAL_LIMITS={"send": ["1/d"]}, BUDGETS={"prefix": {"MODE": "off"}})

    answers = [Caller().send(f"139001390{n:02d}").json().get("code") for n in range(2)]

    assert answers == [None, "global_limit"]


def test_limits_that_the_database_counts_are_not_counted_in_the_cache_too(ihuyi, settings, caplog):
    settings.CACHES = {"default": {"BACKEND": "tests.support.broken_caches.ForgetfulCache"}}
    ihuyi(GUARDS=[BUDGETS], GLOBAL_LIMITS={"send": None})

    assert Caller().send().status_code == 202
    assert "cache" not in caplog.text


def test_the_hosts_own_sends_do_not_count_in_the_cache(ihuyi):
    ihuyi(GLOBAL_LIMITS={"send": ["1/d"]})

    for number in range(3):
        send_code(f"139001390{number:02d}", purpose="login", client="192.0.2.1")

    assert Caller().send("13700137000").status_code == 202


def test_the_ceiling_says_which_limit_refused(ihuyi):
    ihuyi(GLOBAL_LIMITS={"send": ["1/d"]})
    heard = []

    def listen(signal, sender, **arguments):
        heard.append({name: arguments[name] for name in ("code", "phone", "client")})

    limit_hit.connect(listen)
    answers = [Caller().send(f"139001390{n:02d}") for n in range(2)]
    limit_hit.disconnect(listen)

    assert answers[1].json()["detail"] == "Too many people ask at the moment. Try again later."
    assert heard == [{"code": "global_limit", "phone": "", "client": ""}]


@pytest.mark.parametrize(
    ("entry", "passed"),
    [
        ({"LIMITS": ["2/d"]}, 2),
        ({"LIMITS": ["2/d"], "MODE": "record"}, 4),
        ({"LIMITS": ["2/d"], "MODE": "off"}, 4),
        ({"LIMITS": ["2/d"], "MODE": "captcha"}, 4),
    ],
    ids=["refuse", "record", "off", "captcha"],
)
@pytest.mark.parametrize("limits", [{"send": None}, {"verify": ["9/m"]}], ids=["None", "left out"])
def test_a_client_has_the_limits_of_its_budget_at_the_edge(ihuyi, limits, entry, passed):
    ihuyi(CLIENT_LIMITS=limits, BUDGETS={"client": entry})

    answers = [Caller().post("send-code/", "{}").json()["code"] for n in range(4)]

    assert answers == ["invalid"] * passed + ["client_limit"] * (4 - passed)


def test_a_user_has_the_limits_of_its_own_budget_at_the_edge(ihuyi):
    ihuyi(CLIENT_LIMITS={"send": None}, BUDGETS={"user": {"LIMITS": ["2/d"]}})
    user = get_user_model().objects.create_user("li")
    callers = [Caller(REMOTE_ADDR=f"127.0.0.{number}") for number in range(3)]
    for caller in callers:
        caller.client.force_login(user)

    answers = [caller.post("send-code/", "{}").json()["code"] for caller in callers]

    assert answers == ["invalid", "invalid", "client_limit"]


def test_limits_that_the_site_sets_stand(ihuyi):
    ihuyi(CLIENT_LIMITS={"send": ["3/d"]}, BUDGETS={"client": {"LIMITS": ["1/d"]}, "user": {"LIMITS": ["1/d"]}})

    answers = [Caller().post("send-code/", "{}").json()["code"] for n in range(4)]

    assert answers == ["invalid"] * 3 + ["client_limit"]
