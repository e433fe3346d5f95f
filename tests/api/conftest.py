"""A caller of the REST API, and a site whose limits a test sets itself."""

import json
from datetime import timedelta

import pytest
from django.db.models import F
from django.test import Client
from django.utils import translation

from django_ihuyi.backends.locmem import outbox
from django_ihuyi.models import Message

PHONE = "138 0013 8000"
NOBODYS_ID = "0" * 32


class Caller:
    """Speaks JSON with the API; every answer is checked for what must hold of all of them."""

    def __init__(self, **defaults):
        self.client = Client(raise_request_exception=False, **defaults)

    def send(self, phone=PHONE, purpose="login", **rest):
        members = {"phone": phone, "purpose": purpose, **rest.pop("members", {})}
        return self.post("send-code/", json.dumps(members), **rest)

    def verify(self, verification_id, code, **rest):
        return self.post("verify-code/", json.dumps({"verification_id": verification_id, "code": code}), **rest)

    def status(self, verification_id, **rest):
        return self.check(self.client.get(f"/api/phone/verifications/{verification_id}/", **rest))

    def post(self, path, body, content_type="application/json", **rest):
        # Named twice, because Django's client drops the type of an empty body.
        rest["CONTENT_TYPE"] = content_type
        return self.check(self.client.post(f"/api/phone/{path}", body, content_type=content_type, **rest))

    def check(self, response):
        assert response["Cache-Control"] == "no-store"
        is_problem = response.status_code >= 400
        assert response["Content-Type"] == ("application/problem+json" if is_problem else "application/json")
        body = response.json()
        if is_problem:
            assert (body["type"], body["status"]) == ("about:blank", response.status_code)
            assert body["title"]
            assert body["detail"]
            assert response.get("Retry-After") == (str(body["retry_after"]) if "retry_after" in body else None)
        assert ("retry_after" in body) == (response.status_code in (409, 429, 503))
        return response


def let_pass(**time):
    """Let what was sent lie further back: the database's clock, which judges, cannot be moved."""
    ago = timedelta(**time)
    Message.objects.update(created_at=F("created_at") - ago, finished_at=F("finished_at") - ago)


@pytest.fixture
def api():
    return Caller()


@pytest.fixture
def ihuyi(settings):
    """Change settings of the app, as in `ihuyi(CODE_LENGTH=8)`."""

    def change(**changes):
        settings.IHUYI = {**settings.IHUYI, **changes}

    return change


@pytest.fixture(autouse=True)
def quiet_edge(ihuyi):
    """Limits of the edge are off, unless a test sets some."""
    ihuyi(CLIENT_LIMITS={}, GLOBAL_LIMITS={})


@pytest.fixture(autouse=True)
def _own_language():
    """LocaleMiddleware leaves a thread in the language of its last request."""
    with translation.override("en"):
        yield


@pytest.fixture(autouse=True)
def sent():
    """The messages that arrived."""
    outbox.clear()
    return outbox
