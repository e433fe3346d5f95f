"""F18: no page of another site makes its visitors' browsers ask for codes."""

import json

import pytest
from django.contrib.auth import get_user_model

from tests.api.conftest import Caller

pytestmark = pytest.mark.django_db

VALID = json.dumps({"phone": "13800138000", "purpose": "login"})
CROSS_SITE = {"HTTP_SEC_FETCH_SITE": "cross-site", "HTTP_ORIGIN": "https://evil.example"}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ('{"phone": "13800138000", "purpose": "login", "x": "=', "text/plain"),  # a form that spells JSON
        (VALID, "text/plain;charset=UTF-8"),  # sendBeacon with a text
        (VALID, "application/x-www-form-urlencoded"),
        ("phone=13800138000&purpose=login", "application/x-www-form-urlencoded"),
        (VALID, "multipart/form-data; boundary=x"),
        (VALID, ""),  # a Blob without a type
    ],
)
def test_what_a_page_can_send_without_being_asked_is_refused_in_any_browser(api, sent, body, content_type):
    old_browser = api.post("send-code/", body, content_type=content_type)
    new_browser = api.post("send-code/", body, content_type=content_type, **CROSS_SITE)

    assert (old_browser.status_code, new_browser.status_code) == (415, 403)
    assert sent == []


@pytest.mark.parametrize("headers", [CROSS_SITE, {"HTTP_SEC_FETCH_SITE": "cross-site"}], ids=["origin", "no origin"])
def test_json_from_another_site_is_refused(api, sent, headers):
    refused = api.post("send-code/", VALID, **headers)

    assert refused.json() == {
        "type": "about:blank",
        "title": "Forbidden",
        "status": 403,
        "detail": "Requests from pages of other sites are not accepted.",
        "code": "cross_site",
    }
    assert sent == []


@pytest.mark.parametrize("site", ["same-origin", "same-site", "none", None])
def test_the_site_s_own_pages_may_ask(api, site):
    headers = {"HTTP_SEC_FETCH_SITE": site} if site else {}

    assert api.post("send-code/", VALID, **headers).status_code == 202


def test_an_origin_that_the_settings_name_may_ask_and_no_other(api, ihuyi):
    ihuyi(CROSS_SITE_ORIGINS=["https://app.example.com"])

    friend = api.send(**{**CROSS_SITE, "HTTP_ORIGIN": "https://app.example.com"})
    stranger = api.send(**{**CROSS_SITE, "HTTP_ORIGIN": "https://app.example.com.evil.example"})

    assert (friend.status_code, stranger.status_code) == (202, 403)


@pytest.mark.parametrize("path", ["send-code/", "verify-code/", f"verifications/{'0' * 32}/"])
def test_a_preflight_gets_no_cors_headers(api, path):
    preflight = api.client.options(
        f"/api/phone/{path}", HTTP_ORIGIN="https://evil.example", HTTP_ACCESS_CONTROL_REQUEST_METHOD="POST"
    )

    assert preflight.status_code == 405
    assert [name for name in preflight.headers if name.startswith("Access-Control")] == []


def test_a_session_needs_the_csrf_token_and_a_stranger_needs_none(sent):
    caller = Caller(enforce_csrf_checks=True)
    stranger = caller.send()
    caller.client.force_login(get_user_model().objects.create_user("li"))
    caller.client.cookies["csrftoken"] = token = "a" * 32

    without = caller.send("13900139000")
    with_token = caller.send("13900139000", HTTP_X_CSRFTOKEN=token)

    assert [answer.status_code for answer in (stranger, without, with_token)] == [202, 403, 202]
    assert (without.json()["code"], without.json()["detail"]) == (
        "permission_denied",
        "CSRF Failed: CSRF token missing.",
    )
