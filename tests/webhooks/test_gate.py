"""W-01 and W-02: whoever does not know a secret, or comes from elsewhere, finds nothing."""

import base64
import logging
import sys
from urllib.parse import quote, urlencode

import pytest
from django.core.signals import got_request_exception
from django.urls import Resolver404, resolve, reverse
from django.views.debug import ExceptionReporter

from django_ihuyi.models import Reply
from django_ihuyi.models.unmatched_receipts import UnmatchedReceipt
from tests.webhooks.conftest import OLD_SECRET, SECRET, receipt_form, row

pytestmark = pytest.mark.django_db

UNKNOWN_URL = "/webhooks/there-is-nothing-here/"
KINDS = ["receipts", "replies"]


def basic(password, user="ihuyi", scheme="Basic"):
    return {"HTTP_AUTHORIZATION": f"{scheme} {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


@pytest.mark.parametrize("secret", [SECRET, OLD_SECRET], ids=["newest", "older"])
@pytest.mark.parametrize("slash", ["/", ""], ids=["slash", "no slash"])
def test_each_secret_opens_both_spellings_of_the_path(platform, message, secret, slash):
    answer = platform.post(f"/webhooks/receipts/{secret}{slash}", urlencode(receipt_form(message)))

    assert (answer.status_code, answer.content, answer["Content-Type"]) == (
        200,
        b"success",
        "text/plain; charset=utf-8",
    )
    assert row(message).state == "delivered"


@pytest.mark.parametrize("slash", ["/", ""], ids=["slash", "no slash"])
@pytest.mark.parametrize("credentials", [basic(SECRET), basic(SECRET, user=""), basic(SECRET, scheme="basic")])
def test_the_secret_may_be_the_password_of_basic_authentication(platform, message, slash, credentials):
    answer = platform.post(f"/webhooks/receipts{slash}", urlencode(receipt_form(message)), **credentials)

    assert (answer.status_code, row(message).state) == (200, "delivered")


# Each is a path below receipts or replies, and what else the request carries.
FORGERIES = {
    "nothing": ("/", {}),
    "no slash": ("", {}),
    "short": (f"/{SECRET[:-1]}/", {}),
    "long": (f"/{SECRET}A/", {}),
    "first character": (f"/{'A' if SECRET[0] != 'A' else 'B'}{SECRET[1:]}/", {}),
    "last character": (f"/{SECRET[:-1]}{'A' if SECRET[-1] != 'A' else 'B'}/", {}),
    "other case": (f"/{SECRET.swapcase()}/", {}),
    "doubly encoded": (f"/{quote(''.join(f'%{ord(c):02X}' for c in SECRET))}/", {}),
    "a blank behind": (f"/{SECRET}%20/", {}),
    "NUL behind": (f"/{SECRET}%00/", {}),
    "NUL before": (f"/%00{SECRET}/", {}),
    "more path": (f"/{SECRET}/{SECRET}/", {}),
    "traversal": (f"/x/../{SECRET}/", {}),
    "query": (f"/?secret={SECRET}", {}),
    "header": ("/", {"HTTP_X_SECRET": SECRET}),
    "bearer": ("/", {"HTTP_AUTHORIZATION": f"Bearer {SECRET}"}),
    "user in place of password": ("/", basic("", user=SECRET)),
    "no base64": ("/", {"HTTP_AUTHORIZATION": f"Basic :{SECRET}"}),
    "no UTF-8": ("/", {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(b":\xff").decode()}),
    "wrong password": ("/", basic(SECRET[:-1])),
    "wrong path beside a right password": (f"/{SECRET[:-1]}/", basic(SECRET)),
    "not ASCII": ("/%E4%BD%A0/", {}),
    "broken UTF-8": ("/%FF%FE/", {}),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("forgery", FORGERIES)
def test_without_a_secret_there_is_nothing_here(platform, message, kind, forgery):
    path, environ = FORGERIES[forgery]
    body = urlencode({**receipt_form(message), "content": "TD", "secret": SECRET})

    answer = platform.post(f"/webhooks/{kind}{path}", body, **environ)

    nothing = platform.post(UNKNOWN_URL, body)
    assert (answer.status_code, answer.content) == (404, nothing.content)
    assert set(answer.headers) == set(nothing.headers)
    assert row(message).state == "submitted"
    assert (UnmatchedReceipt.objects.count(), Reply.objects.count()) == (0, 0)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_method_without_a_secret_is_not_found(platform, method):
    answers = [platform.client.generic(method, path) for path in ("/webhooks/receipts/wrong/", UNKNOWN_URL)]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content


@pytest.mark.parametrize("secrets", [[], [""], ["short"], [SECRET[:31]], SECRET])
def test_a_secret_that_is_too_short_is_refused(platform, message, configure, secrets):
    configure(WEBHOOK_SECRETS=secrets)
    body = urlencode(receipt_form(message))

    for secret in ("", *secrets):
        assert platform.post(f"/webhooks/receipts/{quote(secret)}/", body).status_code == 404
        assert platform.post("/webhooks/receipts/", body, **basic(secret)).status_code == 404
    assert row(message).state == "submitted"


def test_a_rotated_out_secret_opens_nothing_any_more(platform, message, configure):
    configure(WEBHOOK_SECRETS=[SECRET])

    assert platform.post(f"/webhooks/receipts/{OLD_SECRET}/", urlencode(receipt_form(message))).status_code == 404


@pytest.mark.parametrize("name", ["RAW_URI", "REQUEST_URI"])
def test_an_encoded_spelling_is_refused_where_the_server_tells_of_it(platform, message, name):
    """It is the same URL to a server, and another one to the mask of an access log."""
    encoded = "".join(f"%{ord(character):02X}" for character in SECRET)
    body = urlencode(receipt_form(message))

    plain, spelled = (
        platform.post(f"/webhooks/receipts/{SECRET}/", body, **{name: f"/webhooks/receipts/{written}/"})
        for written in (SECRET, encoded)
    )

    assert (plain.status_code, spelled.status_code) == (200, 404)


@pytest.mark.parametrize(
    ("networks", "address", "status"),
    [
        ([], "203.0.113.7", 200),
        (["203.0.113.0/24"], "203.0.113.7", 200),
        (["198.51.100.0/24", "203.0.113.7"], "203.0.113.7", 200),
        (["203.0.113.0/24"], "::ffff:203.0.113.7", 200),
        (["2001:db8::/32"], "2001:db8::1", 200),
        (["203.0.113.0/24"], "203.0.114.7", 404),
        (["203.0.113.0/24"], "2001:db8::1", 404),
        (["203.0.113.0/24"], "", 404),
        (["203.0.113.0/24"], "nonsense", 404),
    ],
)
def test_only_allowed_networks_push(platform, message, configure, networks, address, status):
    configure(WEBHOOK_ADDRESSES=networks)

    body = urlencode(receipt_form(message))
    answer = platform.post(f"/webhooks/receipts/{SECRET}/", body, REMOTE_ADDR=address)

    assert answer.status_code == status
    assert row(message).state == ("delivered" if status == 200 else "submitted")


def test_the_address_is_the_one_behind_the_proxies_and_nobody_chooses_it(platform, message, configure):
    configure(WEBHOOK_ADDRESSES=["203.0.113.7"])
    body, path = urlencode(receipt_form(message)), f"/webhooks/receipts/{SECRET}/"

    forged = platform.post(path, body, REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="203.0.113.7")
    configure(TRUSTED_PROXY_COUNT=1)
    further = platform.post(path, body, REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="203.0.113.7, 192.0.2.1")
    proxied = platform.post(path, body, REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="192.0.2.1, 203.0.113.7")

    assert [answer.status_code for answer in (forged, further, proxied)] == [404, 404, 200]


def test_the_address_may_have_a_port_or_come_in_a_trusted_header(platform, message, configure):
    configure(WEBHOOK_ADDRESSES=["203.0.113.7", "2001:db8::/32"], TRUSTED_PROXY_COUNT=1)
    body, path = urlencode(receipt_form(message)), f"/webhooks/receipts/{SECRET}/"

    ports = [platform.post(path, body, HTTP_X_FORWARDED_FOR=text) for text in ("203.0.113.7:5000", "[2001:db8::1]:443")]
    configure(TRUSTED_PROXY_COUNT=0, TRUSTED_CLIENT_IP_HEADER="X-Real-IP", TRUSTED_PROXIES=["10.0.0.1"])
    trusted = platform.post(path, body, REMOTE_ADDR="10.0.0.1", HTTP_X_REAL_IP="203.0.113.7")
    forged = platform.post(path, body, REMOTE_ADDR="10.0.0.2", HTTP_X_REAL_IP="203.0.113.7")

    assert [answer.status_code for answer in (*ports, trusted, forged)] == [200, 200, 200, 404]


@pytest.mark.parametrize("path", ["receipts/", "receipts", "replies/", "replies"])
def test_a_hosts_page_for_what_is_not_there_is_shown_as_ever(platform, settings, path):
    settings.TEMPLATES = [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {"loaders": [("django.template.loaders.locmem.Loader", {"404.html": "{{ exception }}"})]},
        }
    ]

    answers = [platform.post(where, "") for where in (f"/webhooks/{path}", UNKNOWN_URL)]

    assert [answer.content for answer in answers] == [b"Resolver404"] * 2


@pytest.mark.parametrize("path", ["receipts/", "receipts", "receipts/wrong/"])
def test_a_request_without_a_secret_is_not_found_with_debug_on(platform, settings, path):
    settings.DEBUG = True

    assert platform.post(f"/webhooks/{path}", "").status_code == 404


@pytest.fixture
def reports():
    """What Django's error reports say, as mailed to the admins and as shown with DEBUG on."""
    written = []

    def report(request, **kwargs):
        reporter = ExceptionReporter(request, *sys.exc_info(), is_email=True)
        written.extend([reporter.get_traceback_text(), reporter.get_traceback_html()])

    got_request_exception.connect(report)
    yield written
    got_request_exception.disconnect(report)


def test_a_secret_is_in_nothing_that_is_logged_or_reported(platform, message, caplog, configure, reports):
    with caplog.at_level(logging.DEBUG):
        platform.push("receipts", smsid="1")
        platform.client.get(f"/webhooks/receipts/{SECRET}/")
        platform.post(f"/webhooks/receipts/{SECRET}", "", content_type="text/plain")
        configure(WEBHOOK_ADDRESSES=["203.0.113.7"])
        platform.push("receipts", smsid="1")
        configure(WEBHOOK_ADDRESSES=["nonsense"])
        platform.client.raise_request_exception = False
        failed = [
            platform.push("receipts", **receipt_form(message)),
            platform.post("/webhooks/receipts/", urlencode(receipt_form(message)), **basic(SECRET)),
        ]

    encoded = basic(SECRET)["HTTP_AUTHORIZATION"].removeprefix("Basic ")
    assert ([answer.status_code for answer in failed], len(reports)) == ([500, 500], 4)
    assert "Bad Request: /webhooks/receipts/***/" in caplog.messages
    assert [text for text in (caplog.text, *reports) if SECRET in text or encoded in text] == []


WRONG = SECRET[:7] + ("A" if SECRET[7] != "A" else "B") + SECRET[8:]
# Each is a URL as the server tells it, percent-encoding included.
TYPOS = {
    "one character": f"receipts/{WRONG}/",
    "no last slash": f"receipts/{WRONG}",
    "cut off": f"replies/{SECRET[:20]}/",
    "other case": f"receipts/{SECRET.swapcase()}/",
    "two secrets": f"receipts/{SECRET},{OLD_SECRET}/",
    "a blank behind": f"receipts/{SECRET}%20/",
    "a line break behind": f"receipts/{SECRET}%0A",
    "escaped": f"receipts/%{ord(SECRET[0]):02X}{SECRET[1:]}/",
    "a slash too many": f"receipts//{SECRET}/",
    "more path": f"receipts/{SECRET}/extra/",
    "wrong kind": f"receipt/{SECRET}/",
    "no kind": f"{SECRET}/",
    "before the kind": f"{SECRET}/receipts",
    "in the query": f"receipts/?secret={SECRET}",
    "wrong in the query": f"receipts?{WRONG}",
    "in path and query": f"receipts/{WRONG}/?{SECRET}",
}


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("typo", TYPOS)
def test_a_secret_with_a_typo_is_in_no_answer_and_no_log(platform, settings, caplog, typo, debug):
    settings.DEBUG = debug
    url = f"/webhooks/{TYPOS[typo]}"
    spelled = {"RAW_URI": url, "REQUEST_URI": url, "HTTP_X_ORIGINAL_URI": url}

    with caplog.at_level(logging.DEBUG):
        answer = platform.post(url, "", **spelled, **basic(WRONG))

    # A log may show all that its record has, and the request's environ is what a server's own log is made of.
    request = answer.wsgi_request
    seen = [caplog.text, answer.content.decode(), request.get_full_path(), repr(request), repr(request.resolver_match)]
    seen += [request.META[name] for name in (*spelled, "PATH_INFO", "QUERY_STRING", "HTTP_AUTHORIZATION")]
    encoded = basic(WRONG)["HTTP_AUTHORIZATION"].removeprefix("Basic ")
    parts = [text[at : at + 9] for text in (SECRET, OLD_SECRET, SECRET.swapcase(), encoded) for at in (1, 9, 20)][:-2]
    assert answer.status_code == 404
    assert [message for message in caplog.messages if message.startswith("Not Found: /webhooks/")]
    assert [text for text in seen for part in parts if part in text] == []


def test_a_site_that_asks_each_visitor_to_log_in_does_not_ask_the_platform(platform, message, settings):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]

    pushed = platform.receipt(message)
    typos = [platform.post(f"/webhooks/{TYPOS[typo]}", "") for typo in ("one character", "wrong kind")]

    assert [answer.status_code for answer in (pushed, *typos)] == [200, 404, 404]


def test_other_urls_of_the_site_are_left_to_the_site():
    """The app's webhooks may be included at the same prefix as other ones, and before them."""
    secret_of_others = "x" * 43

    for path in ("/webhooks/", f"/webhooks/shop/{secret_of_others}/", f"/webhooks/shop/{WRONG}/"):
        with pytest.raises(Resolver404):
            resolve(path)


def test_the_routes_can_be_reversed():
    assert reverse("ihuyi_webhooks:receipts", kwargs={"secret": SECRET}) == f"/webhooks/receipts/{SECRET}/"
    assert reverse("ihuyi_webhooks:replies") == "/webhooks/replies/"
