"""Honest visitors of a site under attack: they type in a captcha and the code that their phone shows, and try again."""

from django.test import Client

from tests.proofs.support.attacked_site import PURPOSE

#: Tries of one visitor, and the longest wait in seconds between two: the visitor waits as told, but not for longer.
TRIES, PATIENCE = 3, 120


class Visitor:
    """A person with a phone of their own. An act of a Timeline: each turn is one try to log in."""

    def __init__(self, site, *, phone, address, solves=True, is_app=False):
        self.site, self.phone, self.address = site, phone, address
        #: False: an app without a place for a captcha, or a person who cannot read one.
        self.solves = solves
        self.browser = Client()
        #: An app keeps no cookies, and passes its device mark as a member of each request.
        self.is_app, self.device = is_app, ""
        self.is_in = False
        #: The codes of the refusals, and the times of the messages.
        self.refusals, self.sent_at = [], []

    def __call__(self, now):
        """Try once; return the time of the next try, or None."""
        answer = self._try(now)
        if self.is_in:
            return None
        self.refusals.append(answer.code)
        if len(self.refusals) == TRIES:
            return None
        return now + min(max(answer.retry_after, 5), PATIENCE)

    def come_back(self):
        """Forget the login before, as weeks later; keep the cookies."""
        self.is_in, self.refusals, self.sent_at = False, [], []
        return self

    def _try(self, now):
        body = {"phone": self.phone, "purpose": PURPOSE, **self._mark()}
        if self.solves:
            body["captcha"], answer = self.site.solve(self.address, browser=self.browser)
            if body["captcha"] is None:
                return answer
        answer = self._note(self.site.send(self.address, body, browser=self.browser))
        if answer.status != 202:
            return answer
        self.sent_at.append(now)
        code = self.site.simulator.latest_code(self.phone)
        guess = {"verification_id": answer.body["verification_id"], "code": code, **self._mark()}
        answer = self._note(self.site.verify(self.address, guess, browser=self.browser))
        self.is_in = answer.status == 200
        return answer

    def _mark(self):
        return {"device": self.device} if self.is_app else {}

    def _note(self, answer):
        """Keep what an app keeps of an answer: the mark that it may have brought."""
        if self.is_app:
            self.browser.cookies.clear()
            self.device = answer.body.get("device") or self.device
        return answer
