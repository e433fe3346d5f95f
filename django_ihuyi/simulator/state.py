"""All that the simulator remembers, and forgets in a reset."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django_ihuyi.simulator.accounts import Account
from django_ihuyi.simulator.fates import Fate
from django_ihuyi.simulator.faults import FaultOrder
from django_ihuyi.simulator.inbox import Inbox
from django_ihuyi.simulator.ledger import Ledger
from django_ihuyi.simulator.records import Journal
from django_ihuyi.simulator.switches import ForcedAnswer, Switches


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How the platform judges, whatever the account."""

    has_limits: bool
    time_tolerance: float
    blocked_addresses: frozenset[str]


class State:
    """Books, phones, journal and orders; whoever uses it holds the simulator's lock."""

    def __init__(self, accounts: Iterable[Account], *, keep: int) -> None:
        self.ledger = Ledger(accounts)
        self._keep = keep
        self.clear()

    def clear(self) -> None:
        """Begin anew."""
        self.ledger.reset()
        self.inbox = Inbox(self._keep)
        self.journal = Journal(self._keep)
        self.answers: Switches[ForcedAnswer] = Switches()
        self.faults: Switches[FaultOrder] = Switches()
        self.fates: Switches[Fate] = Switches()
