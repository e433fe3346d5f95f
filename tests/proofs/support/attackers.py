"""Attackers who make a site send messages: which numbers they ask for, from which addresses, and how fast.

They know the site's limits: a refusal tells them how long to wait, so they waste no request and miss no room.
"""

import collections
import heapq
import random

from tests.proofs.support.attacked_site import PURPOSE

#: The first 70 minutes: as long as five requests a second need for 20,000 and more.
RUSH = 4_200
#: Refusals in a row, to different numbers, after which an attacker waits for as long as the answers say.
ENOUGH = 3
#: Refused numbers for each one that is not (figure F24).
REFUSED = 5
#: The different numbers that an address may ask for in an hour.
NUMBERS = 10


class Attacker:
    """All addresses of one attacker. An act of a Timeline: each turn is one request."""

    def __init__(self, site, choose, *, addresses, solves, own, pace, later_pace, most):
        self.site, self.choose, self.solves = site, choose, solves
        #: Of so many messages one goes to a phone of the attacker's own, and its code is verified; 0: none.
        self.own = own
        self._sent = 0
        #: Seconds between two requests, in the first 70 minutes and after them.
        self.pace, self.later_pace = pace, later_pace
        #: Requests after which the proof has no more time for this attacker.
        self.most = most
        self.requests = 0
        self.answers = collections.Counter()
        self.began = None
        self._free = [(0.0, index, address) for index, address in enumerate(addresses)]
        self._refused = []

    @property
    def is_cut_short(self):
        return self.requests >= self.most

    def __call__(self, now):
        """Ask once; return the time of the next request."""
        self.began = self.began or now
        if self.is_cut_short:
            return None
        free_at, index, address = self._free[0]
        if free_at > now:
            return free_at
        answer = self._ask(address, now)
        # Behind all others that are free, so that the addresses take turns.
        heapq.heapreplace(self._free, (now + self._rest_of(answer), index, address))
        return now + max(self._pause(answer), self.pace if now < self.began + RUSH else self.later_pace)

    def _ask(self, address, now):
        self.requests += 1
        body = self.choose(address, now)
        if self.solves:
            body["captcha"], answer = self.site.solve(address)
            if body["captcha"] is None:
                return self._note(answer)
        answer = self._note(self.site.send(address, body))
        if answer.status == 202 and self.own:
            self._sent += 1
            if self._sent % self.own == 0:
                self._verify(address, body["phone"], answer.body["verification_id"])
        return answer

    def _verify(self, address, phone, verification_id):
        guess = {"verification_id": verification_id, "code": self.site.simulator.latest_code(phone)}
        assert self.site.verify(address, guess).status == 200

    def _note(self, answer):
        self.answers[answer.code or answer.status] += 1
        return answer

    def _rest_of(self, answer):
        return answer.retry_after if answer.code == "client_limit" else 0

    def _pause(self, answer):
        if answer.status == 429 and answer.code != "client_limit":
            self._refused.append(answer.retry_after)
        else:
            self._refused.clear()
        if len(self._refused) < ENOUGH:
            return 0
        wait = min(self._refused)
        self._refused.clear()
        return wait


def junk(site, victim, seed):
    """No number at all, and no captcha."""
    return lambda address, now: {}


def all_segments(site, victim, seed):
    """Numbers of all segments, ten for each address, in turn: with five messages a day each, they fill its budgets."""
    turns = collections.Counter()

    def choose(address, now):
        turns[address] += 1
        return wanted(random_phone(random.Random(f"{seed} {address} {turns[address] % NUMBERS}")))

    return choose


def one_segment(site, victim, seed):
    """The neighbours of the visitors' numbers: the upper half of a segment (号段)."""
    chance = random.Random(seed)
    segment = victim.phone[:-4]
    return lambda address, now: wanted(f"{segment}{chance.randrange(5_000, 10_000)}")


def refused_numbers(site, victim, seed):
    """As `all_segments`, and for each number five that the platform refuses (406) at no cost."""
    chance, others = random.Random(f"refused {seed}"), all_segments(site, victim, seed)
    turns = collections.Counter()

    def choose(address, now):
        turns["all"] += 1
        if turns["all"] % (REFUSED + 1) == 0:
            return others(address, now)
        phone = random_phone(chance)
        site.simulator.force(406, mobile=phone)
        return wanted(phone)

    return choose


def one_victim(site, victim, seed):
    """The number of one visitor, who has been here before."""
    return lambda address, now: wanted(victim.phone)


def all_in_turn(site, victim, seed):
    """Numbers of all kinds, without a captcha."""
    kinds = [kind(site, victim, seed) for kind in (all_segments, one_segment, one_victim)]
    turns = collections.Counter()

    def choose(address, now):
        turns["all"] += 1
        return kinds[turns["all"] % len(kinds)](address, now)

    return choose


def wanted(phone):
    return {"phone": phone, "purpose": PURPOSE}


def random_phone(chance):
    return f"13{chance.randrange(10**9):09}"
