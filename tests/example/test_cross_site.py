"""F18: a page of another site, in a real browser, makes its visitor cause nothing."""

import contextlib
import http.server
import itertools
import threading
from pathlib import Path

import pytest
import requests
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User

from django_ihuyi.models import Message, Verification

pytestmark = pytest.mark.proof

HOSTILE = (Path(__file__).parent / "hostile.js").read_text(encoding="utf-8")
API = "api/phone"
ASK = """([path, fields, token]) => fetch(path, {
    method: "POST", body: JSON.stringify(fields),
    headers: {"Content-Type": "application/json", "X-CSRFToken": token},
}).then((answer) => answer.json())"""


class Page(http.server.BaseHTTPRequestHandler):
    """An empty page."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>another site</title><body>")

    def log_message(self, *arguments):
        pass


@pytest.fixture
def another_site():
    """Another site to a browser: `localhost`, where ours is 127.0.0.1; yields its address."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://localhost:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def site(serve):
    """The example without limits per client, which could be what refuses."""
    return serve(IHUYI_CLIENT_LIMITS="off", IHUYI_CAPTCHA="off")


def make_operator():
    # The example hashes as Django does, the suite faster.
    password = PBKDF2PasswordHasher().encode("let me in", "salt", iterations=1)
    User.objects.create(username="operator", password=password, is_staff=True, is_superuser=True)


def log_in(page, site):
    page.goto(f"{site}/admin/")
    page.fill("[name=username]", "operator")
    page.fill("[name=password]", "let me in")
    page.click("[type=submit]")
    page.wait_for_selector("#site-name")


def own_page(page, site):
    """Ask as the site's own page does."""
    page.goto(f"{site}/")
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    return lambda path, **fields: page.evaluate(ASK, [f"/{path}", fields, cookies["csrftoken"]])


def code_of(site, phone):
    return requests.get(f"{site}/_simulator/messages", params={"mobile": phone}, timeout=30).json()[0]["code"]


@pytest.mark.parametrize("who", ["a stranger", "a user who is logged in"])
def test_a_page_of_another_site_causes_nothing(site, another_site, beside, open_page, who, figure):
    page = open_page(site)
    if who != "a stranger":
        beside(make_operator)
        log_in(page, site)
    ask = own_page(page, site)
    waiting = ask(f"{API}/send-code/", phone="13800138000", purpose="register")
    done = ask(f"{API}/send-code/", phone="13900139000", purpose="register")
    proof = ask(f"{API}/verify-code/", verification_id=done["verification_id"], code=code_of(site, "13900139000"))[
        "proof"
    ]
    guess = {"verification_id": waiting["verification_id"], "code": code_of(site, "13800138000")}

    page.goto(another_site)
    page.evaluate(HOSTILE)
    names = page.evaluate("Object.keys(tries)")
    numbers = itertools.count(13700137000)
    tries = 0
    for name in names:
        targets = {
            f"{API}/send-code/": {"phone": str(next(numbers)), "purpose": "login"},
            f"{API}/verify-code/": guess,
            "register/": {"proof": proof},
            f"{API}/verifications/{guess['verification_id']}/": guess,
            "": {"phone": str(next(numbers)), "purpose": "login"},
            "admin/ihuyi/recipient/": {"action": "lift"},
        }
        for path, fields in targets.items():
            page.evaluate("([name, url, fields]) => tries[name](url, fields)", [name, f"{site}/{path}", fields])
            tries += 1
    with contextlib.suppress(Exception):  # what never ends has had its time
        page.wait_for_load_state("networkidle", timeout=5_000)

    caused = beside(Message.objects.count) - 2
    figure(f"F18 messages caused by cross-site requests, {who}", f"{caused} of {tries} tries [target 0]")
    assert caused == 0
    assert len(requests.get(f"{site}/_simulator/messages", timeout=30).json()) == 2
    unspent = beside(lambda: Verification.objects.get(pk=guess["verification_id"]))
    assert (unspent.attempts, unspent.verified_at) == (0, None)
    assert beside(lambda: Verification.objects.get(pk=done["verification_id"])).proof_redeemed_at is None
    # And all of it works where it belongs.
    ask = own_page(page, site)
    assert "proof" in ask(f"{API}/verify-code/", **guess)
    assert ask("register/", proof=proof)["phone"] == "+8613900139000"
    assert ask(f"{API}/send-code/", phone=str(next(numbers)), purpose="login")["code_length"] == 6
