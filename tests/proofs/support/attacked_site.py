"""A site with the README's settings for production, in this process, as strangers see it: addresses and answers."""

import collections
import types

from captcha.models import CaptchaStore
from django.test import Client

from tests.support.docs_pages import ROOT, sources

SEND, VERIFY, CAPTCHA = "/api/phone/send-code/", "/api/phone/verify-code/", "/api/phone/captcha/"
PURPOSE = "login"
SIMULATOR = {"sms": {"BACKEND": "django_ihuyi.backends.simulator.SimulatorBackend"}}


def production_settings():
    """Return IHUYI as the README has it under "In production", with the simulator in place of the platform."""
    [source] = [body for body in sources(ROOT / "README.md") if "TRUSTED_PROXY_COUNT" in body]
    environ = collections.defaultdict(lambda: "a-text-of-at-least-32-characters-for-secrets")
    names = {"os": types.SimpleNamespace(environ=environ)}
    exec(source, names)
    return names["IHUYI"] | {"CHANNELS": SIMULATOR}


class Answer:
    """An answer of the API."""

    def __init__(self, response):
        self.status = response.status_code
        self.body = response.json() if response.content else {}
        self.code = self.body.get("code", "")
        self.retry_after = int(response.headers.get("Retry-After", 0))
        assert self.status < 500 or self.code in ("sending_unavailable", "unavailable"), self.body


class AttackedSite:
    """Requests to the site, each from an address that one proxy in front of it has seen."""

    def __init__(self, simulator):
        self.simulator = simulator
        self._robot = Client()

    def send(self, address, body, *, browser=None):
        return self._ask("post", SEND, address, browser, body, content_type="application/json")

    def verify(self, address, body, *, browser=None):
        return self._ask("post", VERIFY, address, browser, body, content_type="application/json")

    def solve(self, address, *, browser=None):
        """Fetch a captcha and type what a person reads in it: return the answer for send-code, or the refusal."""
        answer = self._ask("get", CAPTCHA, address, browser, {"purpose": PURPOSE})
        if answer.status != 200:
            return None, answer
        text = CaptchaStore.objects.order_by("-pk").values_list("response", flat=True)[0]
        return {"challenge_id": answer.body["challenge_id"], "text": text}, answer

    def _ask(self, method, path, address, browser, data, **options):
        ask = getattr(browser or self._robot, method)
        return Answer(ask(path, data, headers={"X-Forwarded-For": address}, **options))
