"""The example site in the hands of a test: send, verify, redeem, alone or two hundred at once."""

import collections
import contextlib
import dataclasses
import json
import secrets

from tests.proofs.support.concurrent_requests import fire
from tests.proofs.support.processes import WORKERS, running_site

SEND, VERIFY, REDEEM = "/api/phone/send-code/", "/api/phone/verify-code/", "/register/"
PURPOSE = "register"
NO_BUDGETS = {name: {"MODE": "off"} for name in ("client", "user", "prefix", "global", "unverified", "conversion")}
#: A race shows only between workers that have all been at work.
WARM = 3
LONGEST_WARMING = 40


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A code that a phone holds."""

    phone: str
    verification_id: str
    code: str

    def guess(self, code):
        return VERIFY, {"verification_id": self.verification_id, "code": code}

    @property
    def right(self):
        return self.guess(self.code)

    def wrong(self, count):
        """Return so many different guesses of which none is right."""
        return [self.guess(f"{(int(self.code) + step) % 10**6:06}") for step in range(1, count + 1)]


class Site:
    """The example site, and the platform that it sends to."""

    def __init__(self, address, platform):
        self.address = address
        self.platform = platform

    def fire(self, requests):
        """Send all requests at once; whatever they ask, none may be answered by a crash."""
        answers = fire(self.address, requests)
        crashes = [answer for answer in answers if answer.status >= 500 and not is_documented(answer)]
        assert crashes == []
        return answers

    def ask(self, request):
        [answer] = self.fire([request])
        return answer

    def issue(self):
        """Have a code sent to a new phone, and read it there."""
        [issued] = self.issue_many(1)
        return issued

    def issue_many(self, count):
        """Have a code sent to each of so many new phones, and read it there."""
        phones = [new_phone() for _ in range(count)]
        answers = self.fire([send(phone) for phone in phones])
        assert [answer.status for answer in answers] == [202] * count
        return [
            Issued(phone=phone, verification_id=answer.body["verification_id"], code=self.platform.code(phone))
            for phone, answer in zip(phones, answers, strict=True)
        ]

    def warm(self):
        """Let every worker send and judge a few times."""
        jobs = collections.Counter()
        for _ in range(LONGEST_WARMING):
            sent = self.fire([send(new_phone()) for _ in range(50)])
            judged = self.fire([judge(answer) for answer in sent])
            jobs.update(("send", answer.worker) for answer in sent)
            jobs.update(("judge", answer.worker) for answer in judged)
            if len(jobs) == 2 * WORKERS and min(jobs.values()) >= WARM:
                return
        raise AssertionError(f"some of the {WORKERS} workers have hardly worked: {jobs}")


def send(phone, *, purpose=PURPOSE):
    return SEND, {"phone": phone, "purpose": purpose}


def judge(sent):
    return VERIFY, {"verification_id": sent.body["verification_id"], "code": "000000"}


def budgets(**chosen):
    """The environment of a site that keeps these budgets and no others."""
    return {"PROOF_BUDGETS": json.dumps(NO_BUDGETS | chosen)}


def new_phone():
    return f"13{secrets.randbelow(10**9):09}"


def is_documented(answer):
    """Tell a refusal that the documentation promises from a fault."""
    return answer.status == 503 and answer.code == "sending_unavailable" and answer.retry_after


@contextlib.contextmanager
def running_warm(platform, *, database_url, platform_url=None, **environment):
    """Run the site under gunicorn, and yield it when every worker of it is warm."""
    platform_url = platform_url or platform.submit_url
    with running_site(database_url=database_url, platform_url=platform_url, **environment) as address:
        site = Site(address, platform)
        site.warm()
        yield site
