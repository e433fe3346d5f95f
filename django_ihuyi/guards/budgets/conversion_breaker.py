"""The conversion breaker: asks for a captcha, then stops codes, when too few of the last codes were verified.

Such codes go to numbers whose owners did not request them. If the codes that are sent behind the captcha are not
verified either, no more are sent. Both stages end by themselves after REST seconds. After a stop there is a trial: no
more than MINIMUM codes are sent, behind the captcha, until they are judged.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from django_ihuyi.database.transactions import StaleRow
from django_ihuyi.guards.budgets.alerts import announce
from django_ihuyi.guards.budgets.rules import ConversionThresholds, Mode, Overrun
from django_ihuyi.models import Message
from django_ihuyi.models.budgets import CONVERSION, Budget, BudgetSnapshot

#: Seconds between two looks at the send log.
CHECKED_EVERY = 1
#: Older codes say nothing about today.
LOOKED_BACK = timedelta(days=1)
#: Retry-After, in seconds, of a request that needs a captcha and cannot show one.
_RETRY_AFTER = 60


class Stage(str, enum.Enum):
    """The stages of the breaker, in the order of severity."""

    WATCH = "watch"
    CAPTCHA = "captcha"
    STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionBreaker:
    """The breaker's state. Times are seconds since the epoch."""

    stage: Stage = Stage.WATCH
    #: When this stage began. Only codes that were sent since then are counted.
    since: float = 0
    #: The time of the last look at the send log.
    checked: float = 0
    #: For operators: how many codes were verified when the stage began, as in "9/100".
    seen: str = ""
    #: True if the stage CAPTCHA follows STOP. Without a trial, an attack would send until its first codes are judged,
    #: again and again, and use up the ceiling of all within hours.
    is_trial: bool = False
    #: How many codes the trial has sent.
    tried: int = 0

    @classmethod
    def load(cls, stored: Mapping[str, Any]) -> ConversionBreaker:
        """Return the state that `dump` has written."""
        known = {field.name: stored[field.name] for field in fields(cls) if field.name in stored}
        return cls(**{**known, "stage": Stage(stored.get("stage", Stage.WATCH))})

    def dump(self) -> dict[str, Any]:
        """Return the state as JSON."""
        return {**asdict(self), "stage": self.stage.value}

    @property
    def reason(self) -> str:
        """The state as operators read it: "captcha 9/100"."""
        return f"{self.stage.value} {self.seen}"

    def rest(self, now: float, thresholds: ConversionThresholds) -> int:
        """Return the whole seconds until this stage ends by itself."""
        return max(0, math.ceil(self.since + thresholds.rest - now))

    def wait(self, now: float, thresholds: ConversionThresholds) -> int:
        """Return the seconds for which no code is sent, 0 if a captcha may be solved for one."""
        if self.stage is Stage.STOP:
            return max(1, self.rest(now, thresholds))
        return thresholds.patience if self.is_trial and self.tried >= thresholds.minimum else 0

    def is_worse_than(self, other: ConversionBreaker) -> bool:
        """Return True if this stage is more severe."""
        order = list(Stage)
        return order.index(self.stage) > order.index(other.stage)

    def after(self, verified: Sequence[bool], now: float, thresholds: ConversionThresholds) -> ConversionBreaker:
        """Return the state at `now`. `verified` has one entry for each of the last codes: was it verified?"""
        stage = self._next(verified, now, thresholds)
        if stage is None:
            return self
        seen = f"{sum(verified)}/{len(verified)}"
        return replace(self, stage=stage, since=now, seen=seen, is_trial=self.stage is Stage.STOP, tried=0)

    def _next(self, verified: Sequence[bool], now: float, thresholds: ConversionThresholds) -> Stage | None:
        if self.stage is Stage.STOP:  # no codes were sent since then, so that there is nothing to count
            return None if self.rest(now, thresholds) else Stage.CAPTCHA
        if len(verified) >= thresholds.minimum:
            if sum(verified) * 100 < thresholds.percent * len(verified):
                return Stage.STOP if self.stage is Stage.CAPTCHA and thresholds.stops else Stage.CAPTCHA
            if self.stage is Stage.CAPTCHA:
                return Stage.WATCH
        if self.stage is Stage.CAPTCHA and not self.rest(now, thresholds):
            return Stage.WATCH
        return None


class ConversionMonitor:
    """Keep the breaker's state in its budget's row: read the send log at most once a second, announce each opening."""

    key = CONVERSION

    def __init__(self, mode: Mode, thresholds: ConversionThresholds, *, using: str) -> None:
        self.mode = mode
        self.thresholds = thresholds
        self._using = using

    def look(self, snapshot: BudgetSnapshot) -> Overrun | None:
        """Return the overrun if the breaker is open."""
        budget, now = snapshot.budgets[self.key], snapshot.now
        breaker = ConversionBreaker.load(budget.history)
        if now.timestamp() - breaker.checked >= CHECKED_EVERY:
            breaker = self._check(breaker, budget, now)
        if breaker.stage is Stage.WATCH:
            return None
        wait = breaker.wait(now.timestamp(), self.thresholds)
        return Overrun(
            budget=budget,
            mode=Mode.CAPTCHA if self.mode is Mode.REFUSE and not wait else self.mode,
            code="global_limit",
            reason=breaker.reason,
            retry_after=wait or _RETRY_AFTER,
            moment=now,
            is_told=True,
        )

    def _check(self, breaker: ConversionBreaker, budget: Budget, now: datetime) -> ConversionBreaker:
        """Return the state after a look at the send log, or the same state if another request is looking."""
        budgets = Budget.objects.using(self._using)
        looked = replace(breaker, checked=now.timestamp())
        try:
            # The first claim makes this request the only one that looks in this second.
            budgets.claim(budget, now=now, history=looked.dump())
            moved = looked.after(self._verified(breaker, now), now.timestamp(), self.thresholds)
            if moved.is_trial:
                moved = replace(moved, tried=self._count_sent(moved))
            if moved != looked:
                news = {"refused_at": now, "reason": moved.reason} if moved.is_worse_than(breaker) else {}
                budgets.claim(budget, now=now, history=moved.dump(), **news)
        except StaleRow:
            return breaker
        if moved.is_worse_than(breaker):
            announce(budget, moved.reason, self.mode)
        return moved

    def _count_sent(self, breaker: ConversionBreaker) -> int:
        since = datetime.fromtimestamp(breaker.since, tz=timezone.utc)
        sent = Message.objects.using(self._using).filter(sampled_at__gt=since)
        return sent[: self.thresholds.minimum].count()

    def _verified(self, breaker: ConversionBreaker, now: datetime) -> Sequence[bool]:
        return Message.objects.using(self._using).verified_of_last(
            self.thresholds.window,
            since=max(datetime.fromtimestamp(breaker.since, tz=timezone.utc), now - LOOKED_BACK),
            until=now - timedelta(seconds=self.thresholds.patience),
        )
