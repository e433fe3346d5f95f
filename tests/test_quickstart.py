"""The documentation's own code, run as it stands on the pages."""

import ast
import itertools
import json
import os
import re
import shlex
import sys
import types
import unittest

import pytest
from django.conf import settings as django_settings
from django.test import Client, RequestFactory
from django.urls import include, path
from rest_framework import serializers

from django_ihuyi import verification
from django_ihuyi.api.fields import PhoneProofField
from django_ihuyi.backends import get_backend
from django_ihuyi.backends.ihuyi import IhuyiBackend
from django_ihuyi.backends.simulator import get_app
from django_ihuyi.models import Message
from example_project import databases
from tests.support.docs_pages import ROOT, blocks, named, sources, text_of

QUICKSTART = ROOT / "docs/tutorial/quickstart.md"
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]
HOWTO = ROOT / "docs/howto"
ACCOUNT = {"IHUYI_ACCOUNT": "C00000001", "IHUYI_API_KEY": "0123456789abcdef0123456789abcdef"}
DEPLOYMENT = {"REDIS_URL": "redis://127.0.0.1", "SECRET_KEY": "k" * 50, "IHUYI_WEBHOOK_SECRET": "w" * 43}
#: What is another one in every run.
PASSING = {"verification_id", "proof", "expires_at", "resend_at", "retry_after", "user", "smsid", "at", "content"}


@pytest.fixture
def site(settings, transactional_db, monkeypatch):
    """The quickstart's project: its settings, views and urls, as they stand on the page."""
    for name in ACCOUNT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(sys.modules, "shop", types.ModuleType("shop"))
    for name in ("views", "urls"):
        module = types.ModuleType(f"shop.{name}")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        run(sources(QUICKSTART, f"shop/{name}.py"), module.__dict__)
    chosen = run(sources(QUICKSTART, "shop/settings.py"), {"INSTALLED_APPS": []})
    assert set(chosen["INSTALLED_APPS"]) <= set(django_settings.INSTALLED_APPS)
    settings.IHUYI, settings.ROOT_URLCONF, settings.DEBUG = chosen["IHUYI"], "shop.urls", True
    get_app().simulator.reset()
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def account(monkeypatch):
    """A deployment's environment."""
    for name, value in {**ACCOUNT, **DEPLOYMENT}.items():
        monkeypatch.setenv(name, value)


def run(bodies, namespace):
    for body in bodies:
        exec(body, namespace)
    return namespace


@pytest.mark.parametrize("page", [*READMES, QUICKSTART], ids=named)
def test_what_a_page_shows_of_requests_and_answers_is_what_happens(page, site):
    """Each curl line is sent, with this run's id, code and proof in the place of the page's."""
    ours = {}
    for request, shown in conversation(page):
        answer = send(site, request, ours)

        assert lasting(answer) == lasting(shown), request
        ours |= pairs(page, shown, answer)


def conversation(page):
    """Yield each curl line with the JSON that follows it; JSON after JSON is the answer to the same line again."""
    request = None
    for language, body in blocks(page, "console", "json"):
        if language == "json":
            yield request, json.loads(body)
        else:
            request = shlex.split(body.removeprefix("$ ").replace("\\\n", " "), comments=True)


def send(site, request, ours):
    assert request[0] == "curl"
    headers = dict(after.split(": ") for word, after in itertools.pairwise(request) if word == "-H")
    at = request[1].removeprefix("http://127.0.0.1:8000")
    if "-d" not in request:
        return site.get(at, headers=headers).json()
    data = request[request.index("-d") + 1]
    for theirs, mine in ours.items():
        data = data.replace(theirs, mine)
    return site.post(at, data, content_type=headers.pop("Content-Type"), headers=headers).json()


def pairs(page, shown, answer):
    """Return what later requests repeat, {as the page has it: as it is in this run}."""
    codes = {re.search(r"您的验证码是：([0-9]+)", text_of(page))[1]: get_app().simulator.messages()[0].code}
    if not isinstance(shown, dict):
        return codes
    told = {shown[name]: answer[name] for name in ("verification_id", "proof") if isinstance(shown.get(name), str)}
    return codes | told


def lasting(answer):
    """Return an answer without what is another one in every run; the digits of an SMS are, a problem's code is not."""
    if isinstance(answer, list):
        return [lasting(part) for part in answer]
    passing = PASSING if "status" in answer else PASSING | {"code"}
    return {name: "…" if name in passing and isinstance(value, str | int) else value for name, value in answer.items()}


@pytest.mark.parametrize("page", READMES, ids=named)
def test_the_ten_lines_of_the_readme_work(page, settings, db, outbox):
    issued = verification.send_code("13800138000", purpose="register")
    proof = verification.verify_code(issued.verification_id, outbox[0].code).proof
    request = types.SimpleNamespace(data={"proof": proof})
    around = {"path": path, "include": include, "serializers": serializers, "PhoneProofField": PhoneProofField}

    ran = run(sources(page)[:1], {"INSTALLED_APPS": [], "urlpatterns": [], "request": request, **around})

    assert ran["phone"] == "+8613800138000"


@pytest.mark.parametrize("page", [*READMES, HOWTO / "deploy.md", QUICKSTART], ids=named)
def test_the_settings_for_production_reach_the_platform(page, settings, account):
    around = {"os": os, "DATABASES": {"default": {}}, "INSTALLED_APPS": [], "urlpatterns": []}
    ran = run([body for body in sources(page) if is_settings(body)], around)

    settings.IHUYI = ran["IHUYI"]

    backend = get_backend("sms")
    assert type(backend) is IhuyiBackend
    assert (backend.client.account, backend.client.url) == (
        ACCOUNT["IHUYI_ACCOUNT"],
        "https://106.ihuyi.com/webservice/sms.php",
    )


def is_settings(body):
    return all(isinstance(node, ast.Import | ast.Assign | ast.AugAssign | ast.If) for node in ast.parse(body).body)


def test_the_guide_gives_databases_the_options_that_the_example_gives_them():
    bodies = [body for body in sources(HOWTO / "deploy.md") if body.startswith("DATABASES")]

    options = [run([body], {"DATABASES": {"default": {}}})["DATABASES"]["default"]["OPTIONS"] for body in bodies]

    assert sorted(options, key=str) == sorted(databases.OPTIONS.values(), key=str)


def test_the_tests_that_the_guide_proposes_pass(settings, site):
    """In a project as the quickstart makes it."""
    bodies = sources(HOWTO / "test_your_project.md")
    settings.IHUYI = run(bodies[:1], {})["IHUYI"]
    module = types.ModuleType("guide")
    run(bodies[1:], module.__dict__)

    result = unittest.defaultTestLoader.loadTestsFromModule(module).run(unittest.TestResult())

    assert (result.testsRun, result.failures, result.errors) == (2, [], [])
    assert len(module.verified("13900139000")) == 64


def test_the_guide_to_testing_reads_from_the_simulator_and_lets_codes_expire(site):
    module = run(sources(HOWTO / "test_your_project.md")[2:], {})
    issued = verification.send_code("13800138000", purpose="login")
    code = module["last_code"]("13800138000")
    module["let_expire"]()

    assert len(code) == 6
    assert verification.verify_code(issued.verification_id, code).outcome is verification.VerdictOutcome.EXPIRED


@pytest.mark.parametrize("page", ["use_in_drf.md", "use_in_forms.md"])
def test_the_code_of_a_guide_can_be_imported(page):
    ran = run(sources(HOWTO / page), {})

    assert "PhoneProofField" in ran


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("forwarded", "client"),
    [("198.51.100.1, 203.0.113.7", "203.0.113.7"), ("2001:db8::a:1", "2001:db8::/64")],
    ids=["IPv4", "IPv6"],
)
def test_the_view_of_the_guide_counts_who_is_behind_a_proxy(configure, outbox, forwarded, client):
    configure(TRUSTED_PROXY_COUNT=1)
    view = run(sources(HOWTO / "use_in_forms.md"), {})["ask_for_code"]
    request = RequestFactory(REMOTE_ADDR="10.0.0.1").post("/", {"phone": "13800138000"}, HTTP_X_FORWARDED_FOR=forwarded)
    request.session = {}

    response = view(request)

    assert (response.status_code, Message.objects.get().client) == (302, client)


def test_the_backend_of_the_guide_is_one(settings, monkeypatch):
    module = types.ModuleType("shop.backends")
    monkeypatch.setitem(sys.modules, "shop.backends", module)
    run(sources(HOWTO / "write_a_backend.md", "shop/backends.py"), module.__dict__)
    monkeypatch.setenv("CARRIER_TOKEN", "t")
    settings.IHUYI = run(sources(HOWTO / "write_a_backend.md")[1:2], {"os": os})["IHUYI"]

    assert type(get_backend("sms")) is module.CarrierBackend
