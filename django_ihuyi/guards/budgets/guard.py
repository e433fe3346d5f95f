"""The guard that keeps the budgets: check all of them, claim each, and give back if no message left."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterable
from dataclasses import replace

from django.utils.crypto import salted_hmac

from django_ihuyi import phones, signals
from django_ihuyi.client_addresses import is_exempt_client, network_of
from django_ihuyi.conf import settings
from django_ihuyi.database import transactions
from django_ihuyi.exceptions import InvalidPhone, LimitReached, SendingUnavailable
from django_ihuyi.guards import Guard, Wanted
from django_ihuyi.guards.budgets.alerts import note
from django_ihuyi.guards.budgets.conversion_breaker import ConversionMonitor
from django_ihuyi.guards.budgets.counters import (
    BudgetCounter,
    GlobalCounter,
    Increment,
    PerOwnerCounter,
    PrefixCounter,
    UnverifiedMonitor,
)
from django_ihuyi.guards.budgets.rules import Mode, Overrun, read_conversion, read_network_rule, read_rule
from django_ihuyi.guards.captcha import can_be_wanted
from django_ihuyi.logs import get_logger
from django_ihuyi.models.budgets import Budget, BudgetSnapshot

#: The spelling of a client or user that names its budget as it is. Other texts may be too long, or equal to another one
#: for MariaDB, which by default ignores case and accents.
_PLAIN = re.compile(r"[0-9a-z.:/_-]{1,64}")
#: The last digits of a number, which distinguish neighbours. Mainland numbers have a segment (号段) of seven before.
_OWN_DIGITS = 4

#: Seconds after which budgets are read again before they are claimed: a captcha may have been judged in between.
_FRESH = 0.1

#: A budget that is counted in the send log, and checked before anything is counted.
Monitor = UnverifiedMonitor | ConversionMonitor

logger = get_logger("django_ihuyi.guards")


class BudgetGuard(Guard):
    """Refuse requests that would exceed one of BUDGETS, or want a captcha. In GUARDS, it precedes the captcha guard.

    Every claim is one statement of its own, so that no row is locked while the platform is called.
    """

    def __init__(self) -> None:
        self._counters: list[BudgetCounter] = []
        self._read: BudgetSnapshot | None = None
        self._read_at = 0.0
        self._claims: list[Increment] = []

    def check(self, wanted: Wanted, *, using: str) -> Wanted:
        """Look at all budgets with one statement, and count nothing. Raises LimitReached."""
        self._counters, monitors = _find_budgets(wanted, using=using)
        keys = [budget.key for budget in (*self._counters, *monitors)]
        if not keys:
            return wanted
        self._read_at = time.monotonic()
        self._read = snapshot = Budget.objects.using(using).read(keys)
        overruns = [budget.look(snapshot) for budget in (*self._counters, *monitors)]
        return _answer(overruns, wanted, using=using)

    def claim(self, wanted: Wanted, *, using: str) -> Wanted:
        """Count one message in every budget. Raises LimitReached, or SendingUnavailable if every retry was stale."""
        claimed = {claim.counter.key for claim in self._claims}
        for counter in self._counters:
            if counter.key not in claimed and (overrun := self._claim(counter, wanted, using=using)):
                wanted = _answer([overrun], wanted, using=using)
                if wanted.captcha_reason:
                    break
        return wanted

    def give_back(self, wanted: Wanted, *, using: str) -> None:
        """Undo every claim. A claim that cannot be undone stays counted, which is the safe side.

        If the platform refused the number, only the budget of all gets its claim back: a robot must not try numbers for
        nothing.
        """
        while self._claims:
            claim = self._claims.pop()
            if not (wanted.is_refused and isinstance(claim.counter, PerOwnerCounter)):
                self._undo(claim, using=using)

    def _claim(self, counter: BudgetCounter, wanted: Wanted, *, using: str) -> Overrun | None:
        """Count one more message; return the overrun, if any. Count nothing if the overrun stops the request."""
        read = [self._read] if self._read and time.monotonic() - self._read_at < _FRESH else []

        def attempt() -> Overrun | None:
            known = read.pop() if read else Budget.objects.using(using).read([counter.key])
            overrun = counter.look(known)
            if not (overrun and overrun.stops(wanted)):
                self._claims.append(counter.claim(known.budgets[counter.key], known.now, using=using))
            return overrun

        try:
            return transactions.retry(attempt, using=using)
        except transactions.Contended as error:
            if counter.rule.mode is Mode.REFUSE:
                raise SendingUnavailable(retry_after=1) from error
            return None

    def _undo(self, claim: Increment, *, using: str) -> None:
        counter = claim.counter

        def attempt() -> None:
            known = Budget.objects.using(using).read([counter.key])
            counter.give_back(claim, known.budgets[counter.key], known.now, using=using)

        try:
            transactions.retry(attempt, using=using)
        except transactions.Contended:
            logger.warning("budget %s: one message that was not sent stays counted, every retry was stale", counter.key)


def _find_budgets(wanted: Wanted, *, using: str) -> tuple[list[BudgetCounter], list[Monitor]]:
    """Return the counters of a request, and the monitors. An exempt client or phone has the global counter only."""
    counters: list[BudgetCounter] = []
    monitors: list[Monitor] = []
    if not (is_exempt_client(wanted.client) or is_exempt_number(wanted.phone)):
        # Distinguishes the phones in a budget's row, and does not reveal them.
        mark = salted_hmac("django_ihuyi.guards.budgets", wanted.phone, algorithm="sha256").hexdigest()[:12]
        if wanted.client:
            owner, unverified = _owner(wanted.client), read_rule("unverified")
            counters.append(PerOwnerCounter(read_rule("client"), owner, mark=mark, also=unverified.limits))
            if unverified.limits:
                monitors.append(UnverifiedMonitor(unverified, wanted.client, owner=owner, using=using))
            if network := network_of(wanted.client):
                rule = read_network_rule(can_show_captcha=can_be_wanted(wanted.purpose))
                counters.append(PerOwnerCounter(rule, network, mark=mark))
        if wanted.user:
            counters.append(PerOwnerCounter(read_rule("user"), _owner(wanted.user), mark=mark))
        # Strangers can exhaust these two. A customer who has verified the phone on this device is not stopped by them.
        if not wanted.is_marked:
            counters.append(PrefixCounter(read_rule("prefix"), wanted.phone[:-_OWN_DIGITS], mark=mark))
            mode, thresholds = read_conversion()
            if mode is not Mode.OFF:
                monitors.append(ConversionMonitor(mode, thresholds, using=using))
    # Last, because all requests share its row: requests that another budget refuses do not write it.
    counters.append(GlobalCounter(read_rule("global")))
    return [counter for counter in counters if not counter.is_empty()], monitors


def is_exempt_number(phone: str) -> bool:
    """Return True if EXEMPT_NUMBERS has a canonical phone, in any spelling."""
    return any(_means(text, phone) for text in settings.EXEMPT_NUMBERS)


def _means(text: str, phone: str) -> bool:
    try:
        return phones.parse(text) == phone
    except InvalidPhone:  # ihuyi.E073 reports it; a request must not fail because of it
        return False


def _owner(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else hashlib.sha256(name.encode()).hexdigest()


def _answer(overruns: Iterable[Overrun | None], wanted: Wanted, *, using: str) -> Wanted:
    """Alert operators; refuse the request or want a captcha, as the modes say."""
    found = [overrun for overrun in overruns if overrun]
    for overrun in found:
        if not overrun.is_told:
            note(overrun, using=using)
    refusals = [overrun for overrun in found if overrun.mode is Mode.REFUSE]
    if refusals:
        raise _refuse(max(refusals, key=lambda overrun: overrun.retry_after), wanted)
    doubts = [overrun for overrun in found if overrun.stops(wanted)]
    if not doubts:
        return wanted
    longest = max(doubts, key=lambda overrun: overrun.retry_after)
    return replace(wanted, captcha_reason=str(longest), captcha_wait=longest.retry_after)


def _refuse(overrun: Overrun, wanted: Wanted) -> LimitReached:
    """Send `limit_hit`, and return the exception to raise."""
    signals.limit_hit.send_robust(
        Budget,
        code=overrun.code,
        retry_after=overrun.retry_after,
        phone="",
        client=wanted.client if overrun.code == "client_limit" else "",
        reason=str(overrun),
    )
    return LimitReached(overrun.code, retry_after=overrun.retry_after)
