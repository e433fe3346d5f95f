"""The guide to captchas: the code that it shows works as it stands there."""

import sys
import types

import pytest

from django_ihuyi.exceptions import CaptchaRequired, SendingUnavailable
from django_ihuyi.guards.captcha import CaptchaRule, find_rule
from django_ihuyi.guards.captchas import get_captcha
from tests.support.docs_pages import ROOT, sources
from tests.support.use_cases import send

GUIDE = ROOT / "docs/howto/captcha.md"

pytestmark = pytest.mark.django_db


class Unreachable(Exception):
    """As the host's own library says it."""


class Puzzles:
    """A service that the host knows, which holds one ticket good."""

    site = "shop"

    def __init__(self, token, *, timeout):
        self.token, self.timeout = token, timeout

    def is_solved(self, ticket):
        if ticket == "unreachable":
            raise Unreachable
        return ticket == "good"


@pytest.fixture
def shop(monkeypatch, settings):
    """A shop whose captcha is the guide's."""
    shop = types.ModuleType("shop")
    puzzles, captchas = types.ModuleType("shop.puzzles"), types.ModuleType("shop.captchas")
    puzzles.Puzzles, puzzles.PuzzlesUnreachable = Puzzles, Unreachable
    for module in (shop, puzzles, captchas):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    [own] = sources(GUIDE, "shop/captchas.py")
    exec(own, captchas.__dict__)
    [chosen] = [body for body in sources(GUIDE) if "PuzzleCaptcha" in body and body.startswith("IHUYI")]
    namespace = {"os": types.SimpleNamespace(environ={"PUZZLES_TOKEN": "t"})}
    exec(chosen, namespace)
    settings.IHUYI = {**settings.IHUYI, **namespace["IHUYI"]}


def answer(ticket):
    with pytest.raises(CaptchaRequired) as refusal:
        send()
    return {"challenge_id": refusal.value.challenge["challenge_id"], "ticket": ticket}


def test_the_captcha_of_the_guide_is_one(shop, outbox):
    send(captcha=answer("good"))

    assert len(outbox) == 1
    assert get_captcha().kind == "puzzle"


def test_the_captcha_of_the_guide_may_be_down(shop, outbox):
    with pytest.raises(SendingUnavailable):
        send(captcha=answer("unreachable"))

    assert outbox == []


def test_the_rules_of_the_guide_are_rules():
    [body] = [body for body in sources(GUIDE) if "after_client" in body]
    captcha = {}
    exec(f"captcha = {{{body}}}", captcha)

    rules = captcha["captcha"]["CAPTCHA"]["RULES"]
    assert find_rule("login", rules) == CaptchaRule(after_client=3, after_number=2)
    assert find_rule("change_phone", rules) == CaptchaRule(word="asked")
    assert find_rule("register", rules) == CaptchaRule(word="always")
