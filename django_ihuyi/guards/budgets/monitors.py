"""What is judged by looking at the send log: codes that nobody typed in, of one client and of all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from django_ihuyi.database.transactions import StaleRow
from django_ihuyi.guards.budgets.alerts import announce
from django_ihuyi.guards.budgets.conversion_breaker import ConversionBreaker, ConversionThresholds, Stage
from django_ihuyi.guards.budgets.counters import load_spending
from django_ihuyi.guards.budgets.rules import BudgetRule, Mode, Overrun
from django_ihuyi.models import Message
from django_ihuyi.models.budgets import CONVERSION, Budget, BudgetSnapshot
from django_ihuyi.rates import Rate

#: Seconds between two looks at the send log by the conversion breaker.
CHECKED_EVERY = 1
#: Codes that are older say nothing of today.
LOOKED_BACK = timedelta(days=1)
#: Seconds after which a caller may come back who would have had to solve a captcha.
_RETRY_AFTER = 60


class UnverifiedMonitor:
    """The budget of codes that a client asked for and nobody typed in."""

    def __init__(self, rule: BudgetRule, client: str, *, owner: str) -> None:
        self.rule = rule
        self.client = client
        self.owner = owner
        self.key = f"{rule.name} {owner}"

    def look(self, snapshot: BudgetSnapshot, *, using: str) -> Overrun | None:
        """Say whether it is exceeded."""
        suspect = self._find_suspect(snapshot)
        if not suspect:
            return None
        longest = timedelta(seconds=max(rate.period for rate in suspect))
        in_vain = Message.objects.using(using).unverified_codes(self.client, since=snapshot.now - longest)
        moments = list(in_vain.values_list("created_at", flat=True)[: max(rate.limit for rate in suspect)])
        waits = [
            (_seconds(moments[rate.limit - 1] + timedelta(seconds=rate.period) - snapshot.now), f"unverified {rate}")
            for rate in suspect
            if len(moments) >= rate.limit
        ]
        wait, reason = max(waits, default=(0, ""))
        if wait <= 0:
            return None
        budget = snapshot.budgets[self.key]
        return Overrun(budget=budget, mode=self.rule.mode, code="client_limit", reason=reason, retry_after=wait)

    def _find_suspect(self, snapshot: BudgetSnapshot) -> list[Rate]:
        """Return the limits that the client's own budget has seen enough codes for: the log need not be asked else."""
        spending = load_spending(snapshot.budgets[f"client {self.owner}"])
        return [rate for rate in self.rule.limits if spending.count(rate, snapshot.now.timestamp()) >= rate.limit]


class ConversionMonitor:
    """The conversion breaker: looks at the last codes once a second at most, and tells of each opening once."""

    key = CONVERSION

    def __init__(self, mode: Mode, thresholds: ConversionThresholds) -> None:
        self.mode = mode
        self.thresholds = thresholds

    def look(self, snapshot: BudgetSnapshot, *, using: str) -> Overrun | None:
        """Say what the breaker asks for."""
        budget, now = snapshot.budgets[self.key], snapshot.now
        breaker = ConversionBreaker.load(budget.history)
        if now.timestamp() - breaker.checked >= CHECKED_EVERY:
            breaker = self._check(breaker, budget, now, using=using)
        if breaker.stage is Stage.WATCH:
            return None
        stops = breaker.stage is Stage.STOP
        return Overrun(
            budget=budget,
            mode=Mode.CAPTCHA if self.mode is Mode.REFUSE and not stops else self.mode,
            code="global_limit",
            reason=_reason(breaker),
            retry_after=max(1, breaker.rest(now.timestamp(), self.thresholds)) if stops else _RETRY_AFTER,
            is_told=True,
        )

    def _check(self, breaker: ConversionBreaker, budget: Budget, now: datetime, *, using: str) -> ConversionBreaker:
        """Return where the breaker stands after a look; where it stood, if somebody else is looking."""
        budgets = Budget.objects.using(using)
        looked = replace(breaker, checked=now.timestamp())
        try:
            budgets.claim(budget, now=now, history=looked.dump())
            moved = looked.after(self._verified(breaker, now, using=using), now.timestamp(), self.thresholds)
            if moved != looked:
                news = {"refused_at": now, "reason": _reason(moved)} if _is_worse(moved, breaker) else {}
                budgets.claim(budget, now=now, history=moved.dump(), **news)
        except StaleRow:
            return breaker
        if _is_worse(moved, breaker):
            announce(budget, _reason(moved), self.mode)
        return moved

    def _verified(self, breaker: ConversionBreaker, now: datetime, *, using: str) -> Sequence[bool]:
        return Message.objects.using(using).verified_of_last(
            self.thresholds.window,
            since=max(datetime.fromtimestamp(breaker.since, tz=timezone.utc), now - LOOKED_BACK),
            until=now - timedelta(seconds=self.thresholds.patience),
        )


def _is_worse(breaker: ConversionBreaker, than: ConversionBreaker) -> bool:
    order = list(Stage)
    return order.index(breaker.stage) > order.index(than.stage)


def _reason(breaker: ConversionBreaker) -> str:
    return f"{breaker.stage.value} {breaker.seen}"


def _seconds(duration: timedelta) -> int:
    return math.ceil(duration.total_seconds())
