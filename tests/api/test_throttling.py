"""Limits at the edge: per client, per user, in all; counted by the cache, and by the send log when that is down."""

import socket

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured

from django_ihuyi import delivery
from django_ihuyi.conf import Settings
from django_ihuyi.models import Message
from django_ihuyi.rates import Rate, parse_rate
from django_ihuyi.signals import limit_hit
from tests.api.conftest import NOBODYS_ID, Caller, let_pass

pytestmark = pytest.mark.django_db

DAY = 86_400


@pytest.fixture
def dead_cache(settings):
    """A Redis that refuses connections."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": f"redis://127.0.0.1:{port}"}
    }


@pytest.fixture
def forgetful_cache(settings):
    """A cache that takes no counter: what a memcached server that is down looks like."""
    settings.CACHES = {"default": {"BACKEND": "tests.support.broken_caches.ForgetfulCache"}}


def send_many(api, count, **rest):
    return [api.send(f"138001380{number:02d}", **rest) for number in range(count)]


def codes_of(answers):
    return [answer.json().get("code", answer.status_code) for answer in answers]


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("1/s", Rate(limit=1, period=1)),
        ("5/m", Rate(limit=5, period=60)),
        ("20/h", Rate(limit=20, period=3_600)),
        ("50/d", Rate(limit=50, period=DAY)),
    ],
)
def test_a_rate_is_count_and_period(text, rate):
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["", "5", "5/", "0/m", "-1/m", "5/w", "5/mm", "5/m\n", "٥/m", "5 / m"])
def test_a_text_that_is_not_a_rate_is_refused(text):
    with pytest.raises(ImproperlyConfigured, match="is not a rate"):
        parse_rate(text)


def test_one_request_too_many_of_a_client_is_refused_before_its_body_is_read(api, ihuyi, sent):
    ihuyi(CLIENT_LIMITS={"send": ["9/h", "3/d"]})

    answers = send_many(api, 4)
    malformed = api.post("send-code/", "{")
    neighbour = Caller(REMOTE_ADDR="127.0.0.2").send("13900139000")

    wait = answers[-1].json()["retry_after"]
    assert codes_of(answers) == [202, 202, 202, "client_limit"]
    assert answers[-1].json() == {
        "type": "about:blank",
        "title": "Too many requests",
        "status": 429,
        "detail": "Too many requests. Try again later.",
        "code": "client_limit",
        "retry_after": wait,
    }
    assert 1 <= wait <= DAY
    assert malformed.json()["code"] == "client_limit"
    assert neighbour.status_code == 202
    assert len(sent) == 4


def test_all_clients_together_have_a_ceiling_that_a_refused_one_does_not_use_up(ihuyi):
    ihuyi(CLIENT_LIMITS={"send": ["2/d"]}, GLOBAL_LIMITS={"send": ["3/d"]})
    greedy, late = Caller(), Caller(REMOTE_ADDR="127.0.0.2")

    answers = [*send_many(greedy, 9), late.send("13900139000"), late.send("13900139001")]

    assert codes_of(answers) == [202, 202, *["client_limit"] * 7, 202, "global_limit"]


def test_a_user_is_counted_from_all_addresses(ihuyi):
    ihuyi(CLIENT_LIMITS={"send": ["2/d"]})
    user = get_user_model().objects.create_user("li")
    callers = [Caller(REMOTE_ADDR=f"127.0.0.{number}") for number in range(3)]
    for caller in callers:
        caller.client.force_login(user)

    assert codes_of(caller.send(f"1380013800{n}") for n, caller in enumerate(callers)) == [202, 202, "client_limit"]


def test_guesses_have_rates_of_their_own(api, ihuyi):
    ihuyi(CLIENT_LIMITS={"send": ["1/d"], "verify": ["2/d"]})
    api.send()

    guesses = [api.verify(NOBODYS_ID, "123456") for _ in range(3)]

    assert codes_of(guesses) == ["code_expired", "code_expired", "client_limit"]


def test_both_ways_to_ask_for_the_status_have_one_rate(api, ihuyi):
    ihuyi(CLIENT_LIMITS={"status": ["3/d"]})

    answers = [
        api.status(NOBODYS_ID),
        api.client.get("/api/phone/verifications/", HTTP_VERIFICATION_ID=NOBODYS_ID),
        api.client.head(f"/api/phone/verifications/{NOBODYS_ID}/"),
        api.client.get("/api/phone/verifications/", HTTP_VERIFICATION_ID=NOBODYS_ID),
        api.status(NOBODYS_ID),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404, 429, 429]
    assert Caller(REMOTE_ADDR="127.0.0.2").status(NOBODYS_ID).status_code == 404


def test_a_client_may_ask_for_the_status_120_times_a_minute(api, ihuyi):
    ihuyi(CLIENT_LIMITS=Settings.CLIENT_LIMITS)

    with time_machine.travel("2026-01-01T00:00:00+00:00", tick=False):
        statuses = [api.status(NOBODYS_ID).status_code for _ in range(121)]

    assert statuses == [*[404] * 120, 429]


def test_a_scope_that_is_left_out_stays_limited(api, ihuyi):
    """Whoever widens sends does not mean to let a client guess without end."""
    ihuyi(CLIENT_LIMITS={"send": ["10/m"]})

    with time_machine.travel("2026-01-01T00:00:00+00:00", tick=False):
        guesses = [api.verify(NOBODYS_ID, "123456") for _ in range(31)]
    ihuyi(CLIENT_LIMITS={"verify": []})
    unlimited = api.verify(NOBODYS_ID, "123456")
    ihuyi(CLIENT_LIMITS={})

    assert codes_of([*guesses[29:], unlimited]) == ["code_expired", "client_limit", "code_expired"]
    assert codes_of(send_many(api, 6)) == [202] * 6


def test_the_longest_full_window_says_when_to_come_back(api, ihuyi):
    """The window of a minute ends within a minute; but the day's is full as well."""
    ihuyi(CLIENT_LIMITS={"send": ["2/m", "2/d"]})

    with time_machine.travel("2026-01-01T00:00:30+00:00", tick=False):
        waits = [answer.json()["retry_after"] for answer in send_many(api, 4)[2:]]

    assert waits[0] == waits[1] > 60


def test_a_window_of_a_second_asks_to_wait_for_one(api, ihuyi):
    ihuyi(CLIENT_LIMITS={"send": ["1/s"]})

    with time_machine.travel("2026-01-01T00:00:00+00:00", tick=False):
        refused = send_many(api, 2)[1]
    with time_machine.travel("2026-01-01T00:00:01+00:00", tick=False):
        after = api.send("13900139000")

    assert (refused.json()["retry_after"], after.status_code) == (1, 202)


def test_a_refusal_sends_limit_hit(api, ihuyi):
    ihuyi(CLIENT_LIMITS={"send": ["1/d"]}, GLOBAL_LIMITS={"send": ["1/d"]})
    heard = []

    def listen(**arguments):
        heard.append({name: arguments[name] for name in ("code", "phone", "client")})

    limit_hit.connect(listen)
    send_many(api, 2)
    Caller(REMOTE_ADDR="2001:db8::1").send("13900139000")
    limit_hit.disconnect(listen)

    assert heard == [
        {"code": "client_limit", "phone": "", "client": "127.0.0.1"},
        {"code": "global_limit", "phone": "", "client": ""},
    ]


@pytest.mark.usefixtures("dead_cache")
def test_without_rates_the_cache_is_not_asked(api, caplog):
    assert codes_of(send_many(api, 3)) == [202, 202, 202]
    assert "cache" not in caplog.text


@pytest.mark.parametrize("cache_that_fails", ["dead_cache", "forgetful_cache"])
@pytest.mark.parametrize("fails_open", [True, False], ids=["RATELIMIT_FAIL_OPEN", "default"])
def test_while_the_cache_is_down_the_send_log_is_counted(request, api, ihuyi, settings, cache_that_fails, fails_open):
    request.getfixturevalue(cache_that_fails)
    settings.RATELIMIT_FAIL_OPEN = fails_open
    ihuyi(CLIENT_LIMITS={"send": ["2/h", "3/d"], "verify": ["1/d"]}, GLOBAL_LIMITS={"send": ["4/d"]})

    answers = send_many(api, 3)
    guesses = [api.verify(NOBODYS_ID, "123456") for _ in range(3)]
    let_pass(minutes=61)
    answers += [api.send("13900139000"), api.send("13900139001")]
    answers += [Caller(REMOTE_ADDR="127.0.0.2").send(f"1370013700{number}") for number in range(2)]

    assert codes_of(answers) == [202, 202, "client_limit", 202, "client_limit", 202, "global_limit"]
    assert [answer.json()["retry_after"] for answer in answers if answer.status_code == 429] == [
        pytest.approx(3_600, abs=5),
        pytest.approx(DAY - 3_660, abs=5),
        pytest.approx(DAY - 3_660, abs=5),
    ]
    assert codes_of(guesses) == ["code_expired"] * 3
    assert Message.objects.count() == 4


@pytest.mark.usefixtures("dead_cache")
def test_while_the_cache_is_down_a_user_is_limited_by_address_only(ihuyi):
    """The send log knows no users; from each address, and in all, the limits hold."""
    ihuyi(CLIENT_LIMITS={"send": ["1/d"]}, GLOBAL_LIMITS={"send": ["2/d"]})
    user = get_user_model().objects.create_user("li")
    callers = [Caller(REMOTE_ADDR=f"127.0.0.{number}") for number in (1, 1, 2, 3)]
    for caller in callers:
        caller.client.force_login(user)

    answers = codes_of(caller.send(f"1380013800{n}") for n, caller in enumerate(callers))

    assert answers == [202, "client_limit", 202, "global_limit"]


@pytest.mark.usefixtures("dead_cache")
def test_while_the_cache_is_down_notices_do_not_count_as_requests(api, ihuyi):
    ihuyi(
        CLIENT_LIMITS={"send": ["1/h"]},
        GLOBAL_LIMITS={"send": ["1/h"]},
        TEMPLATES={"code": {"TEXT": "您的验证码是：{code}。"}, "shipped": {"TEXT": "您的订单{1}已发出。"}},
    )
    phones = [f"137001370{number:02d}" for number in range(3)]
    told = delivery.send_many(phones, template="shipped", variables=["A1"], client="127.0.0.1")

    assert (len(told.sent), codes_of(send_many(api, 2))) == (3, [202, "client_limit"])


def test_a_request_without_an_address_raises_an_error(ihuyi):
    """One limit for everybody would let one client lock out all others; better nobody sends until it is put right."""
    ihuyi(CLIENT_LIMITS={"send": ["5/m"]})
    caller = Caller(REMOTE_ADDR="")
    caller.client.raise_request_exception = True

    with pytest.raises(ImproperlyConfigured, match="TRUSTED_PROXY_COUNT"):
        caller.send()
    ihuyi(CLIENT_LIMITS={})
    assert caller.send().status_code == 202


def test_a_host_that_switches_django_ratelimit_off_has_no_limits_at_the_edge(api, ihuyi, settings):
    settings.RATELIMIT_ENABLE = False
    ihuyi(CLIENT_LIMITS={"send": ["1/d"]})

    assert codes_of(send_many(api, 2)) == [202, 202]
    assert cache.get("any") is None
