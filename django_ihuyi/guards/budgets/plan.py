"""Which budgets a request is counted by."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.crypto import salted_hmac

from django_ihuyi import phones
from django_ihuyi.client_addresses import is_exempt_client
from django_ihuyi.conf import settings
from django_ihuyi.exceptions import InvalidPhone
from django_ihuyi.guards.base import Wanted
from django_ihuyi.guards.budgets.counters import BudgetCounter, GlobalCounter, PerOwnerCounter
from django_ihuyi.guards.budgets.monitors import ConversionMonitor, UnverifiedMonitor
from django_ihuyi.guards.budgets.rules import Mode, Overrun, read_conversion, read_rule
from django_ihuyi.models.budgets import BudgetSnapshot

#: A client or user that names its budget as it is. Other texts might be too long, or the same as another one to
#: MariaDB, which by default tells neither cases nor accents apart.
_PLAIN = re.compile(r"[0-9a-z.:/_-]{1,64}")
#: The digits at a number's end that tell neighbours apart: before them, mainland numbers have seven (号段).
_OWN_DIGITS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The counters of a request, the one that all use last; and the monitors that look at the send log before."""

    counters: Sequence[BudgetCounter]
    monitors: Sequence[UnverifiedMonitor | ConversionMonitor]

    @property
    def keys(self) -> list[str]:
        """The budgets to read."""
        return [counter.key for counter in self.counters] + [monitor.key for monitor in self.monitors]

    def look(self, snapshot: BudgetSnapshot, *, using: str) -> Iterator[Overrun]:
        """Yield what stands in the way before anything is counted."""
        found = [
            *(
                counter.look(snapshot.budgets[counter.key], snapshot.now)
                for counter in self.counters
                if counter.refuses
            ),
            *(monitor.look(snapshot, using=using) for monitor in self.monitors),
        ]
        yield from (overrun for overrun in found if overrun)


def make_plan(wanted: Wanted) -> Plan:
    """Return what a request is counted by; who is exempt is counted by the budget of all only."""
    is_exempt = is_exempt_client(wanted.client) or is_exempt_number(wanted.phone)
    counters = (
        [GlobalCounter(read_rule("global"))]
        if is_exempt
        else [*_owner_counters(wanted), GlobalCounter(read_rule("global"))]
    )
    return Plan(
        counters=[counter for counter in counters if not counter.is_empty()],
        monitors=[] if is_exempt else list(_monitors(wanted)),
    )


def is_exempt_number(phone: str) -> bool:
    """Return True if EXEMPT_NUMBERS has a canonical phone, in any spelling."""
    return any(_means(text, phone) for text in settings.EXEMPT_NUMBERS)


def _means(text: str, phone: str) -> bool:
    try:
        return phones.parse(text) == phone
    except InvalidPhone:  # ihuyi.E073 reports it; a request must not fail because of it
        return False


def _owner_counters(wanted: Wanted) -> Iterator[BudgetCounter]:
    mark = _mark(wanted.phone)
    if wanted.client:
        counted = read_rule("unverified").limits
        yield PerOwnerCounter(read_rule("client"), _owner(wanted.client), mark=mark, also=counted)
    if wanted.user:
        yield PerOwnerCounter(read_rule("user"), _owner(wanted.user), mark=mark)
    yield PerOwnerCounter(read_rule("prefix"), wanted.phone[:-_OWN_DIGITS], mark=mark, code="global_limit")


def _monitors(wanted: Wanted) -> Iterator[UnverifiedMonitor | ConversionMonitor]:
    unverified = read_rule("unverified")
    if wanted.client and unverified.limits:
        yield UnverifiedMonitor(unverified, wanted.client, owner=_owner(wanted.client))
    mode, thresholds = read_conversion()
    if mode is not Mode.OFF:
        yield ConversionMonitor(mode, thresholds)


def _mark(phone: str) -> str:
    """Return what tells a phone from others in a budget's row, and does not tell it."""
    return salted_hmac("django_ihuyi.guards.budgets", phone, algorithm="sha256").hexdigest()[:12]


def _owner(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else hashlib.sha256(name.encode()).hexdigest()
