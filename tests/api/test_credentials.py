"""Credentials are not needed: requests are counted before these are read, and wrong ones count as none."""

import base64
import itertools
import json

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import DataError, OperationalError
from django.http import Http404
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy
from rest_framework import exceptions
from rest_framework.authentication import (
    BaseAuthentication,
    BasicAuthentication,
    SessionAuthentication,
    TokenAuthentication,
)
from rest_framework.test import APIRequestFactory

from django_ihuyi.api.endpoint import Endpoint
from django_ihuyi.api.views import VerifyCodeView
from django_ihuyi.conf import Settings
from tests.api.conftest import NOBODYS_ID, PHONE, Caller
from tests.support.riddle_captcha import riddles

pytestmark = pytest.mark.django_db

#: A phone for each request, so that no limit of a number answers instead.
PHONES = map("138{}".format, itertools.count(10_000_000))


def by_header(caller, **rest):
    return get(caller, "verifications/", HTTP_VERIFICATION_ID=NOBODYS_ID, **rest)


def get(caller, path, **rest):
    return caller.check(caller.client.get(f"/api/phone/{path}", **rest))


#: Requests to each address, and the answer that a caller without credentials gets.
ADDRESSES = {
    "send-code": (lambda caller, **rest: caller.send(next(PHONES), **rest), 202),
    "verify-code": (lambda caller, **rest: caller.verify(NOBODYS_ID, "123456", **rest), 400),
    "verifications/<id>": (lambda caller, **rest: caller.status(NOBODYS_ID, **rest), 404),
    "verifications": (by_header, 404),
    "captcha": (lambda caller, **rest: get(caller, "captcha/?purpose=login", **rest), 200),
}
SCOPES = {"send-code": "send", "verify-code": "verify", "captcha": "captcha"}


def basic(name, password):
    return {"HTTP_AUTHORIZATION": f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"}


def raising(error):
    """Return an authentication of a host that fails so on each request with a header Authorization."""

    class Authentication(BaseAuthentication):
        def authenticate(self, request):
            if "HTTP_AUTHORIZATION" in request.META:
                raise error

        def authenticate_header(self, request):
            return "Bearer"

    return Authentication


class LazyAuthentication(BaseAuthentication):
    """Looks for its user only when somebody asks for it."""

    def authenticate(self, request):
        return SimpleLazyObject(lambda: get_user_model().objects.get(pk="nobody")), None


class OldToken(exceptions.AuthenticationFailed):
    """A token as djangorestframework-simplejwt refuses it."""

    def __init__(self):
        told = [{"token_class": "AccessToken", "token_type": "access", "message": "Token is expired"}]
        detail = {"detail": "Given token not valid for any token type", "code": "token_not_valid", "messages": told}
        super().__init__(detail)


class Counted(MD5PasswordHasher):
    """Counts the passwords that are hashed."""

    hashed = 0

    def encode(self, password, salt):
        Counted.hashed += 1
        return super().encode(password, salt)


@pytest.fixture(autouse=True)
def _a_captcha(ihuyi):
    ihuyi(**{**riddles(), "GUARDS": []})


@pytest.fixture
def hashed(settings):
    settings.PASSWORD_HASHERS = [f"{__name__}.Counted"]
    Counted.hashed = 0
    return lambda: Counted.hashed


@pytest.fixture
def authenticate_by(monkeypatch):
    """Let the host authenticate by these classes, as its DEFAULT_AUTHENTICATION_CLASSES would."""
    return lambda *classes: monkeypatch.setattr(Endpoint, "authentication_classes", classes)


@pytest.mark.parametrize("address", ADDRESSES)
def test_wrong_passwords_cost_as_many_hashes_as_the_client_has_requests(api, ihuyi, hashed, address):
    ihuyi(CLIENT_LIMITS=Settings.CLIENT_LIMITS)
    ask, _ = ADDRESSES[address]
    rates = Settings.CLIENT_LIMITS[SCOPES.get(address, "status")] or Settings.BUDGETS["client"]["LIMITS"]
    allowed = int(rates[0].removesuffix("/m"))

    answers = [ask(api, **basic("li", f"wrong {guess}")) for guess in range(allowed + 40)]

    refused = [answer for answer in answers if answer.status_code == 429 and answer.json()["code"] == "client_limit"]
    assert (len(refused), hashed()) == (40, allowed)


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_request_over_the_limit_of_its_client_asks_nothing_of_the_database(
    api, ihuyi, hashed, address, django_assert_num_queries
):
    ihuyi(CLIENT_LIMITS={scope: ["1/d"] for scope in Settings.CLIENT_LIMITS})
    ask, _ = ADDRESSES[address]
    api.client.force_login(get_user_model().objects.create_user("li", password="right"))
    ask(api)

    with django_assert_num_queries(0):
        answers = [ask(api), ask(api, **basic("li", "right"))]

    assert [answer.json()["code"] for answer in answers] == ["client_limit"] * 2
    assert hashed() == 1  # of create_user


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_wrong_password_is_not_told_from_the_right_one(ihuyi, address):
    ihuyi(CLIENT_LIMITS=Settings.CLIENT_LIMITS)
    get_user_model().objects.create_user("li", password="right")
    get_user_model().objects.create_user("wang", password="right", is_active=False)
    ask, status = ADDRESSES[address]
    tried = [("li", "right"), ("li", "wrong"), ("wang", "right"), ("nobody", "wrong")]

    answers = [ask(Caller(REMOTE_ADDR=f"127.0.0.{n}"), **basic(*pair)) for n, pair in enumerate(tried)]

    assert [answer.status_code for answer in answers] == [status] * 4
    assert [sorted(answer.json()) for answer in answers] == [sorted(answers[0].json())] * 4
    headers = [{name: value for name, value in answer.items() if name != "Content-Length"} for answer in answers]
    assert headers == [headers[0]] * 4


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize(
    ("authentication", "header"),
    [
        (BasicAuthentication, "Basic !"),
        (BasicAuthentication, "Basic"),
        (BasicAuthentication, basic("li", "wrong")["HTTP_AUTHORIZATION"]),
        (BasicAuthentication, basic("li\0", "wrong")["HTTP_AUTHORIZATION"]),
        (TokenAuthentication, "Token"),
        (TokenAuthentication, "Token undefined null"),
        (raising(OldToken()), "Bearer undefined"),
        (raising(exceptions.AuthenticationFailed(["one", "two"])), "Bearer x"),
        (raising(exceptions.AuthenticationFailed()), "Bearer x"),
        (raising(exceptions.NotAuthenticated()), "Bearer x"),
        (raising(type("Expired", (exceptions.APIException,), {"status_code": 401})()), "Bearer x"),
        (raising(type("Failed", (exceptions.AuthenticationFailed,), {"status_code": 403})()), "Bearer x"),
        (raising(ValueError("secret")), "Bearer x"),
        (raising(AttributeError("secret")), "Bearer x"),
        (raising(KeyError("secret")), "Bearer x"),
        (raising(DataError("secret")), "Bearer x"),
        (LazyAuthentication, "Bearer x"),
    ],
)
def test_wrong_credentials_count_as_none(api, authenticate_by, caplog, address, authentication, header):
    authenticate_by(authentication)
    ask, status = ADDRESSES[address]

    answer = ask(api, HTTP_AUTHORIZATION=header, HTTP_IDEMPOTENCY_KEY="a")

    assert (answer.status_code, "WWW-Authenticate" in answer) == (status, False)
    user = answer.wsgi_request.user
    assert (user.is_authenticated, answer.wsgi_request.auth) == (False, None)
    assert "secret" not in caplog.text


def test_an_authentication_that_fails_is_a_line_in_the_log(api, authenticate_by, caplog):
    authenticate_by(raising(ValueError("Bearer 0123456789")))

    api.send(HTTP_AUTHORIZATION="Bearer 0123456789")
    api.send()

    told = [message for message in caplog.messages if "credentials" in message]
    assert told == ["credentials are ignored: the authentication fails with ValueError"]
    assert "0123456789" not in caplog.text


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_session_that_no_database_can_look_up_counts_as_none(api, address):
    """A quoted cookie can spell a NUL, which PostgreSQL takes in no text."""
    ask, status = ADDRESSES[address]

    assert ask(api, HTTP_COOKIE=r'sessionid="0123456789\000"').status_code == status


def test_a_wrong_header_makes_a_caller_with_a_session_anonymous(ihuyi, authenticate_by):
    """Not the user of its session: the first class that refuses decides, as everywhere in REST framework."""
    ihuyi(CLIENT_LIMITS={"verify": ["9/d"]})
    authenticate_by(BasicAuthentication, SessionAuthentication)
    user = get_user_model().objects.create_user("li")
    caller = Caller(enforce_csrf_checks=True)
    caller.client.force_login(user)

    answer = caller.verify(NOBODYS_ID, "123456", **basic("li", "wrong"))

    assert (answer.status_code, answer.wsgi_request.user.is_anonymous) == (400, True)


def test_right_credentials_are_still_those_of_a_user(ihuyi):
    ihuyi(CLIENT_LIMITS={"status": ["2/d"]})
    get_user_model().objects.create_user("li", password="right")

    answers = [
        Caller(REMOTE_ADDR=f"127.0.0.{number}").status(NOBODYS_ID, **basic("li", "right")) for number in range(3)
    ]

    assert [answer.json()["code"] for answer in answers] == ["not_found", "not_found", "client_limit"]
    assert answers[0].wsgi_request.user.username == "li"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (OperationalError("secret"), 503, "unavailable"),
        (PermissionDenied("secret"), 403, "permission_denied"),
        (Http404("secret"), 404, "not_found"),
        (exceptions.PermissionDenied(), 403, "permission_denied"),
    ],
)
def test_refusals_that_are_not_of_credentials_are_answered(api, authenticate_by, error, status, code):
    authenticate_by(raising(error))

    answer = api.verify(NOBODYS_ID, "123456", HTTP_AUTHORIZATION="Bearer x")

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_mistake_in_the_settings_is_not_hidden(api, authenticate_by):
    authenticate_by(raising(ImproperlyConfigured("Name the key.")))
    api.client.raise_request_exception = True

    with pytest.raises(ImproperlyConfigured, match="Name the key"):
        api.send(HTTP_AUTHORIZATION="Bearer x")


def test_a_view_can_demand_right_credentials(authenticate_by):
    authenticate_by(raising(OldToken()))
    view = type("Strict", (VerifyCodeView,), {"credentials_optional": False}).as_view()

    answer = view(APIRequestFactory().post("/", {}, format="json", HTTP_AUTHORIZATION="Bearer x"))

    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.data["detail"] == "Given token not valid for any token type"


@pytest.mark.parametrize(
    ("detail", "sentence"),
    [
        ("Too  late.\nCome back.", "Too late. Come back."),
        (["Locked.", "Paid late."], "Locked."),
        ({"code": 10021, "message": "请先登录"}, "请先登录"),
        ({"code": "locked", "detail": "Locked."}, "Locked."),
        ({"reason": "locked", "detail": ["Locked for a day."]}, "Locked for a day."),
        ({"error": {"code": "locked", "message": [{"text": "Locked."}]}}, "Locked."),
        ((("Locked.",),), "Locked."),
        (gettext_lazy("The code is wrong. Check it and try again."), "The code is wrong. Check it and try again."),
        ([gettext_lazy("Solve the captcha first.")], "Solve the captcha first."),
        ("x" * 10_000, "x" * 299 + "…"),
        ({"detail": "x" * 10_000}, "x" * 299 + "…"),
        ([], "You are not allowed to do this."),
        ({}, "You are not allowed to do this."),
        ("", "You are not allowed to do this."),
        ([" ", {"detail": ""}], "You are not allowed to do this."),
        ({"code": "locked"}, "You are not allowed to do this."),
    ],
)
def test_an_exception_of_the_host_becomes_one_sentence(api, authenticate_by, detail, sentence):
    authenticate_by(raising(exceptions.PermissionDenied(detail)))

    answer = api.send(HTTP_AUTHORIZATION="Bearer x")

    assert answer.json() == {
        "type": "about:blank",
        "title": "Forbidden",
        "status": 403,
        "detail": sentence,
        "code": "permission_denied",
    }


def test_a_detail_that_the_host_sets_itself_becomes_one_sentence(api, authenticate_by):
    """REST framework's constructor did not see it, so its texts have no codes."""
    error = exceptions.PermissionDenied()
    error.detail = {"detail": [None, 5, object(), "Locked."]}
    authenticate_by(raising(error))

    answer = api.send(HTTP_AUTHORIZATION="Bearer x")

    assert (answer.json()["detail"], answer.json()["code"]) == ("Locked.", "permission_denied")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (exceptions.Throttled(wait=2.5), (429, "throttled", "Too many requests", 3)),
        (exceptions.Throttled(), (429, "throttled", "Too many requests", 5)),
        (exceptions.PermissionDenied("Late.", code=10021), (403, "10021", "Forbidden", None)),
        (exceptions.NotFound(), (404, "not_found", "Not found", None)),
        (exceptions.NotAcceptable(), (406, "not_acceptable", "Not Acceptable", None)),
        (exceptions.APIException(["Down."]), (500, "error", "Internal Server Error", None)),
        (exceptions.ValidationError("Down."), (400, "invalid", "Bad request", None)),
    ],
)
def test_any_exception_of_the_framework_is_a_problem(api, authenticate_by, error, expected):
    authenticate_by(raising(error))

    body = api.send(HTTP_AUTHORIZATION="Bearer x").json()

    assert (body["status"], body["code"], body["title"], body.get("retry_after")) == expected
    assert "ErrorDetail" not in json.dumps(body)


@pytest.mark.parametrize(
    ("detail", "errors"),
    [
        ("Wrong.", [("", "invalid", "Wrong.")]),
        ({"token": ["Wrong.", "Old."]}, [("token", "invalid", "Wrong."), ("token", "invalid", "Old.")]),
        ({"token": {"kind": ["Wrong."]}}, [("kind", "invalid", "Wrong.")]),
        ([], []),
    ],
)
def test_a_validation_error_of_the_host_is_a_list_of_texts(api, authenticate_by, detail, errors):
    authenticate_by(raising(exceptions.ValidationError(detail)))

    told = api.send(PHONE, HTTP_AUTHORIZATION="Bearer x").json()["errors"]

    assert [(error["field"], error["code"], error["detail"]) for error in told] == errors
