"""A mix of all that a site is asked, and what the clients saw of it while something was taken away."""

import collections
import dataclasses
import itertools
import json
from urllib.parse import urlencode

from tests.proofs.support.platform_pushes import FORM, SECRET
from tests.proofs.support.site_client import PURPOSE, SEND, VERIFY, Issued, new_phone
from tests.proofs.support.steady_load import Request, ask_all

#: What the site owes to each kind of request while all is well; a send may have met a limit.
WELL = {
    "send": {202, 429},
    "again": {202, 429},
    "greedy": {202, 429},
    "right": {200},
    "wrong": {400},
    "status": {200},
    "receipt": {200},
}
#: How many phones hold a code that is guessed wrong, looked at, or told to have arrived.
WRONG, READ, RECEIPTS = 10, 5, 40
BUSY = 3


class Traffic:
    """Requests of all kinds, for phones of its own; codes were sent to some of them while all was well.

    So many `codes` can be guessed right, five a second. `sources` are the loopback addresses that sends come from in
    turn, `greedy` is one that keeps asking.
    """

    def __init__(self, site, *, codes, sources=("",), greedy=""):
        self.site = site
        self._sources = itertools.cycle(sources)
        self._greedy = greedy
        #: All phones that a message was asked for.
        self.phones = []
        issued = self._issue(codes + WRONG + READ + RECEIPTS)
        self.right, self.wrong = issued[:codes], issued[codes : codes + WRONG]
        self.read, self.receipted = issued[codes + WRONG : -RECEIPTS], issued[-RECEIPTS:]
        #: Phones that a message is asked for all the time, so that their limit has to hold.
        self.busy = [new_phone() for _ in range(BUSY)]

    def requests(self):
        """Yield requests without end, the kinds in turn."""
        streams = {
            "send": (self.send() for _ in itertools.count()),
            "again": (self.send(phone, kind="again") for phone in itertools.cycle(self.busy)),
            "greedy": (self.send(kind="greedy", source=self._greedy) for _ in itertools.count()),
            "right": (self.guess(issued) for issued in self.right),
            "wrong": (self.guess(issued, kind="wrong") for issued in itertools.cycle(self.wrong)),
            "status": (self.look_at(issued) for issued in itertools.cycle(self.read)),
            "receipt": (self.push(issued) for issued in itertools.cycle(self.receipted)),
        }
        kinds = ["send", "wrong", "receipt", "again", "status", "send", "right", "wrong", "send", "status"]
        for kind in itertools.cycle([*kinds, "greedy", "greedy"] if self._greedy else kinds):
            request = next(streams[kind], None)
            if request:
                yield request

    def send(self, phone=None, *, kind="send", source=None):
        phone = phone or new_phone()
        self.phones.append(phone)
        content = json.dumps({"phone": phone, "purpose": PURPOSE}).encode()
        return Request(kind=kind, path=SEND, content=content, about=phone, source=source or next(self._sources))

    def guess(self, issued, *, kind="right"):
        code = issued.code if kind == "right" else f"{(int(issued.code) + 1) % 10**6:06}"
        content = json.dumps({"verification_id": issued.verification_id, "code": code}).encode()
        return Request(kind=kind, path=VERIFY, content=content, about=issued)

    def look_at(self, issued):
        return Request(kind="status", path=f"/api/phone/verifications/{issued.verification_id}/", about=issued)

    def push(self, issued):
        form = urlencode({"smsid": issued.smsid, "mobilephone": issued.phone, "code": "2", "msg": "x"}).encode()
        path = f"/webhooks/receipts/{SECRET}/"
        return Request(kind="receipt", path=path, content=form, content_type=FORM, about=issued)

    def ask(self, *requests):
        """Ask for more, outside of the load."""
        return ask_all(self.site.address, requests)

    def arrived(self):
        """Return how many messages arrived at each of the phones."""
        inbox = self.site.platform.all_messages()
        return {phone: len(inbox.get(phone, ())) for phone in self.phones}

    def _issue(self, count):
        answers = self.ask(*[self.send() for _ in range(count)])
        assert {answer.status for answer in answers} == {202}
        inbox = self.site.platform.all_messages()
        return [
            Held(
                phone=answer.request.about,
                verification_id=answer.body["verification_id"],
                code=inbox[answer.request.about][-1]["code"],
                smsid=inbox[answer.request.about][-1]["smsid"],
            )
            for answer in answers
        ]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Held(Issued):
    """A code that a phone holds, and the platform's id of the message that brought it."""

    smsid: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """An outage as the clients saw it; its moments are by the monotonic clock."""

    name: str
    answers: list
    began: float
    ended: float
    #: When what was taken away was there again.
    revived: float

    @property
    def before(self):
        return [answer for answer in self.answers if answer.answered < self.began]

    @property
    def meanwhile(self):
        """What was asked and answered while it lasted."""
        return [answer for answer in self.answers if self.began < answer.asked and answer.answered < self.ended]

    def of_kind(self, *kinds):
        return [answer for answer in self.answers if answer.kind in kinds]

    @property
    def revival(self):
        """Return the seconds from its end until each kind of request had been answered well again."""
        first = {}
        for answer in sorted(self.answers, key=lambda answer: answer.answered):
            if answer.answered > self.revived and answer.status in WELL[answer.kind]:
                first.setdefault(answer.kind, answer.answered - self.revived)
        assert set(first) == {answer.kind for answer in self.answers if answer.asked > self.revived}
        return max(first.values())

    def tell(self, figure):
        by_kind = collections.defaultdict(collections.Counter)
        for answer in self.meanwhile:
            by_kind[answer.kind][answer.status] += 1
        told = [
            f"{kind} " + " ".join(f"{status}×{count}" for status, count in sorted(statuses.items()))
            for kind, statuses in sorted(by_kind.items())
        ]
        figure(f"outage {self.name}: answers meanwhile", ", ".join(told))
        figure(
            f"outage {self.name}: slowest answer",
            f"{max(answer.seconds for answer in self.answers):.1f} s in the site, "
            f"{max(answer.answered - answer.asked for answer in self.answers):.1f} s with the wait for a thread",
        )
        figure(f"outage {self.name}: all is well again after", f"{self.revival:.1f} s [target 5 s]")


def is_good_or_503(answer):
    """Tell what the documentation promises from all else: a crash, a page of HTML, a refusal for no reason."""
    if answer.status != 503:
        return answer.status in WELL[answer.kind]
    code = {"send": "sending_unavailable", "again": "sending_unavailable", "receipt": ""}
    return answer.code == code.get(answer.kind, "unavailable") and answer.retry_after
