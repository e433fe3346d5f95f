"""A third-party captcha: it asks a riddle, and records the arguments of `verify`."""

import secrets
import time

from django_ihuyi.guards.captchas import Captcha, CaptchaDown, Challenge

RIDDLE = "tests.support.riddle_captcha.RiddleCaptcha"
GUARD = "django_ihuyi.guards.captcha.CaptchaGuard"


class RiddleCaptcha(Captcha):
    """Ask for a word backwards."""

    kind = "riddle"

    def __init__(self, *, word="drow", is_down=False, has_solution_ids=False, delay=0):
        self.word, self.is_down, self.has_solution_ids, self.delay = word, is_down, has_solution_ids, delay
        self.judged = []

    def challenge(self, *, purpose, client):
        time.sleep(self.delay)
        if self.is_down == "showing":
            raise CaptchaDown("no riddles left")
        return Challenge(id=secrets.token_hex(8), shown={"word": self.word, "for": f"{purpose} {client}"})

    def verify(self, answer, *, challenge_id, client):
        time.sleep(self.delay)
        self.judged.append((answer, challenge_id, client))
        if self.is_down:
            raise CaptchaDown("the sphinx sleeps")
        return answer.get("word") == self.word[::-1]

    def find_solution_id(self, answer):
        return answer.get("solution", "") if self.has_solution_ids else ""


def riddles(rules=None, *, options=None, guards=(GUARD,)):
    """Return the settings of a site with this captcha."""
    captcha = {"BACKEND": RIDDLE, "OPTIONS": options or {}}
    return {"GUARDS": list(guards), "CAPTCHA": {**captcha, **({} if rules is None else {"RULES": rules})}}


def solve(challenge, word="word", **more):
    """Return the answer to a challenge, as a client sends it."""
    return {"challenge_id": challenge["challenge_id"], "word": word, **more}
