"""Captchas over REST: 403 says what to show, GET captcha/ shows one, and no cookie is needed."""

import json

import pytest

from tests.api.conftest import PHONE, Caller
from tests.support.riddle_captcha import riddles, solve

pytestmark = pytest.mark.django_db

ABROAD = {"REMOTE_ADDR": "192.0.2.8"}


@pytest.fixture
def asking(ihuyi):
    ihuyi(**riddles())


def get(api, query="?purpose=login", **rest):
    return api.check(api.client.get(f"/api/phone/captcha/{query}", **rest))


def test_a_send_without_an_answer_returns_the_captcha(api, asking, sent):
    response = api.send()

    body = response.json()
    assert (response.status_code, body["code"]) == (403, "captcha_required")
    assert body["captcha"] == {
        "kind": "riddle",
        "challenge_id": body["captcha"]["challenge_id"],
        "expires_in": 300,
        "word": "drow",
        "for": "login 127.0.0.1",
    }
    assert sent == []


def test_an_answer_comes_with_the_next_send_and_needs_no_cookie(asking, sent):
    challenge = Caller().send().json()["captcha"]
    response = Caller().send(members={"captcha": solve(challenge)})

    assert response.status_code == 202
    assert len(sent) == 1
    assert not response.cookies


def test_a_wrong_answer_brings_a_new_captcha(api, asking, sent):
    challenge = api.send().json()["captcha"]

    refused = api.send(members={"captcha": solve(challenge, "wrong")})
    accepted = api.send(members={"captcha": solve(refused.json()["captcha"])})

    assert (refused.status_code, refused.json()["code"]) == (403, "captcha_failed")
    assert accepted.status_code == 202


def test_a_client_that_knows_that_it_needs_one_asks_for_it_first(api, asking, sent):
    shown = get(api)
    accepted = api.send(members={"captcha": solve(shown.json())})

    assert (shown.status_code, shown.json()["kind"]) == (200, "riddle")
    assert accepted.status_code == 202


def test_a_captcha_is_bound_to_client_and_purpose(api, asking, sent):
    challenge = get(api, "?purpose=register").json()

    assert api.send(members={"captcha": solve(challenge)}).json()["code"] == "captcha_failed"
    moved = api.send(purpose="register", members={"captcha": solve(challenge)}, **ABROAD)
    assert moved.json()["code"] == "captcha_failed"
    assert sent == []


def test_neighbours_in_one_network_are_one_client(api, asking):
    challenge = get(api, REMOTE_ADDR="2001:db8::1").json()

    assert api.send(members={"captcha": solve(challenge)}, REMOTE_ADDR="2001:db8::2").status_code == 202


@pytest.mark.parametrize("query", ["", "?purpose=", "?purpose=nothing", "?purpose=login%00", "?purposes=login"])
def test_a_captcha_is_for_a_purpose(api, asking, query):
    response = get(api, query)

    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "purpose")


def test_a_site_without_captchas_answers_not_found(api):
    response = get(api)

    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert response.json()["detail"] == "This site asks for no captcha."


def test_other_methods_than_get_are_refused(api, asking):
    assert api.post("captcha/", "{}").status_code == 405
    assert api.client.head("/api/phone/captcha/?purpose=login").status_code == 405


def test_captchas_have_a_limit_of_their_own(api, asking, ihuyi):
    ihuyi(CLIENT_LIMITS={"captcha": ["2/h"]})

    codes = [get(api).status_code for _ in range(3)]

    assert codes == [200, 200, 429]
    assert get(api, **ABROAD).status_code == 200
    assert api.send().status_code == 403


def test_a_captcha_that_is_down_is_a_send_that_is_not_available(api, ihuyi, sent):
    ihuyi(**riddles(options={"is_down": True}))
    challenge = api.send().json()["captcha"]

    response = api.send(members={"captcha": solve(challenge)})

    assert (response.status_code, response.json()["code"]) == (503, "sending_unavailable")
    assert "sphinx" not in response.content.decode()
    assert sent == []


def test_a_captcha_that_cannot_be_shown_is_a_send_that_is_not_available(api, ihuyi):
    ihuyi(**riddles(options={"is_down": "showing"}))

    assert (get(api).status_code, get(api).json()["code"]) == (503, "sending_unavailable")
    assert (api.send().status_code, api.send().json()["code"]) == (503, "sending_unavailable")


@pytest.mark.parametrize(
    "captcha",
    [
        5,
        "text",
        True,
        [],
        [{"challenge_id": "a"}],
        {"challenge_id": 5},
        {"challenge_id": None},
        {"challenge_id": {"a": "b"}},
        {"challenge_id": "\x00"},
        {"challenge_id": "a\nb"},
        {"n" * 33: "a"},
        {"word": "a" * 4097},
        {str(number): "a" for number in range(9)},
    ],
    ids=lambda value: json.dumps(value)[:20],
)
def test_an_answer_is_a_few_short_texts(api, asking, sent, captcha):
    response = api.send(members={"captcha": captcha})

    assert (response.status_code, response.json()["code"]) == (400, "invalid")
    assert [(error["field"], error["code"]) for error in response.json()["errors"]] == [("captcha", "invalid")]


@pytest.mark.parametrize("captcha", [{}, {"challenge_id": ""}, {"word": "word"}])
def test_an_answer_without_a_name_is_wrong(api, asking, captcha):
    assert api.send(members={"captcha": captcha}).json()["code"] == "captcha_failed"


def test_no_answer_is_null(api, asking):
    assert api.send(members={"captcha": None}).json()["code"] == "captcha_required"


def test_an_answer_is_ignored_if_no_captcha_is_required(api, sent):
    assert api.send(members={"captcha": {"challenge_id": "anything"}}).status_code == 202


def test_a_captcha_problem_is_in_the_callers_language(api, asking):
    response = api.send(headers={"Accept-Language": "zh-hans"})

    assert response["Content-Language"] == "zh-hans"


def test_a_resend_needs_one_too(api, asking, sent):
    first = api.send(members={"captcha": solve(get(api).json())}).json()

    again = api.send(PHONE, members={"verification_id": first["verification_id"]})

    assert again.json()["code"] == "captcha_required"


def test_a_key_may_be_reused_after_a_captcha_was_required(api, asking, sent):
    key = {"HTTP_IDEMPOTENCY_KEY": "one-click"}
    challenge = api.send(**key).json()["captcha"]

    answers = [api.send(members={"captcha": solve(challenge)}, **key) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].content == answers[1].content
    assert len(sent) == 1
