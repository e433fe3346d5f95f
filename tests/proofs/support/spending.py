"""What one attack spends, and how many honest visitors get in meanwhile; as a table in Markdown."""

import dataclasses
import random

from tests.proofs.support.attackers import Attacker
from tests.proofs.support.honest_visitors import Visitor
from tests.proofs.support.moved_clock import Timeline

#: The cache's fixed windows of a day must not end in the first 70 minutes, or a ceiling of a day would not be reached.
BEGIN = 1_792_980_000
HOUR, DAY = 3_600, 86_400
#: The returning visitors were verified so long ago: within the 90 days of F25.
BEFORE = 30 * DAY
#: Room for a visitor's last tries before the time is up.
LAST = 300
#: The segment (号段) of an attack on neighbours.
SEGMENT = "1380013"
RETURNING, NEW, HELPLESS, VICTIM = "returning", "new", "without a captcha", "the victim"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Attack:
    """A kind of attack, from so many addresses."""

    name: str
    #: A function of attackers.py; None: no attack at all.
    numbers: object
    addresses: int = 0
    solves: bool = False
    #: Of so many messages one goes to a phone of the attacker's own, and its code is verified; 0: none.
    own: int = 0
    pace: float = 0.1
    later_pace: float = 0.1
    #: IPv6 networks, each of a subscriber of another provider, instead of IPv4 addresses.
    ipv6: bool = False
    #: All visitors have numbers of one segment, as the attacker's.
    is_near: bool = False
    hours: int = 24

    @property
    def title(self):
        if not self.numbers:
            return self.name
        noun = "address" if self.addresses == 1 else "addresses"
        return f"{self.name}, {self.addresses:,} {noun}, {'captchas solved' if self.solves else 'no captcha'}"

    def address(self, index):
        if self.ipv6:
            return f"2a{index >> 8:02x}:{index & 255:x}:1::1"
        return f"11.{index >> 8}.{index & 255}.7"


@dataclasses.dataclass(frozen=True, kw_only=True, repr=False)
class Row:
    """The results of one attack."""

    attack: Attack
    #: Messages that the platform accepted for the attacker, in the first hour and in all.
    hour: int
    day: int
    #: How often the attacker got each answer: its code, or its status.
    answers: dict
    is_cut_short: bool
    #: {RETURNING, NEW, HELPLESS or VICTIM: its visitors, those of the first hour first}
    visitors: dict

    def share(self, group):
        """Return how many visitors of a group got in, of how many."""
        return sum(visitor.is_in for visitor in self.visitors[group]), len(self.visitors[group])


def measure(attack, site, clock, *, count, most, seed):
    """Let an attack run, while `count` visitors of each group come in the first hour, and as many later."""
    chance = random.Random(f"{seed} {attack.title}")
    groups = make_visitors(
        site, chance, 2 * count if attack.hours > 1 else count, segment=SEGMENT if attack.is_near else ""
    )
    let_them_verify([*groups[RETURNING], *groups[VICTIM]], clock)
    timeline = Timeline(clock)
    for group in groups.values():
        for number, visitor in enumerate(group):
            first, last = (0, HOUR - LAST) if number < count else (HOUR, attack.hours * HOUR - LAST)
            timeline.add(BEGIN + chance.uniform(first, last), visitor)
    attacker = None
    if attack.numbers:
        attacker = Attacker(
            site,
            attack.numbers(site, groups[VICTIM][0], seed),
            addresses=[attack.address(index) for index in range(attack.addresses)],
            solves=attack.solves,
            own=attack.own,
            pace=attack.pace,
            later_pace=attack.later_pace,
            most=most,
        )
        timeline.add(BEGIN, attacker)
    timeline.run(until=BEGIN + attack.hours * HOUR)
    return Row(
        attack=attack,
        answers=dict(attacker.answers) if attacker else {},
        is_cut_short=bool(attacker and attacker.is_cut_short),
        visitors=groups,
        hour=count_messages(site, groups, until=BEGIN + HOUR),
        day=count_messages(site, groups, until=BEGIN + DAY),
    )


def make_visitors(site, chance, count, *, segment):
    """Return so many visitors of each group, each with an address and a number, and one victim."""
    groups = {RETURNING: [], NEW: [], HELPLESS: [], VICTIM: []}
    # In the lower half of the segment, whose upper half is the attacker's.
    numbers = iter(chance.sample(range(5_000), count * len(groups)))
    for network, (group, visitors) in enumerate(groups.items()):
        for index in range(1 if group == VICTIM else count):
            phone = f"{segment or f'13{chance.randrange(10**5):05}'}{next(numbers):04}"
            address = f"100.{64 + network}.{index >> 8}.{index & 255}"
            visitors.append(
                Visitor(site, phone=phone, address=address, solves=group != HELPLESS, is_app=bool(index % 2))
            )
    return groups


def let_them_verify(visitors, clock):
    """Let the returning visitors log in once, before there is an attack."""
    for index, visitor in enumerate(visitors):
        clock.move_to(BEGIN - BEFORE + 60 * index)
        visitor(clock.now)
        assert visitor.is_in, visitor.refusals
        visitor.come_back()


def count_messages(site, groups, *, until):
    """Return how many messages the platform accepted for the attacker since the beginning."""
    all_messages = sum(BEGIN <= message.arrived < until for message in site.simulator.messages())
    own = [moment for group in groups.values() for visitor in group for moment in visitor.sent_at]
    return all_messages - sum(moment < until for moment in own)
