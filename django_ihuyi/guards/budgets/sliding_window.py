"""The memory of a budget: messages in rolling windows, and the different phones in them.

A period is remembered in sixtieths, so that the memory is bounded whatever is spent. A part counts until all of it has
left the window. Therefore no window of the period exceeds the limit, wherever it begins; room returns up to a sixtieth
of the period late.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django_ihuyi.rates import Rate

PARTS = 60

Parts = Mapping[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """The messages of a budget: {period in seconds: {beginning of a part: count}}."""

    periods: Mapping[int, Parts] = field(default_factory=dict)

    @classmethod
    def load(cls, stored: Mapping[str, Any]) -> Spending:
        """Return the spending that `dump` has written."""
        return cls(periods={int(period): dict(parts) for period, parts in stored.items()})

    def dump(self) -> dict[str, Any]:
        """Return the spending as JSON."""
        return {str(period): sorted(parts.items()) for period, parts in self.periods.items()}

    def after(self, moment: float, rates: Iterable[Rate], *, count: int = 1) -> Spending:
        """Return the spending with `count` more at `moment`, without expired parts and periods of other rates."""
        return Spending(
            periods={
                period: _add(_within(self.periods.get(period, {}), period, moment), _begin(period, moment), count)
                for period in {rate.period for rate in rates}
            }
        )

    def without(self, moment: float) -> Spending:
        """Return the spending with one less at `moment`."""
        return Spending(
            periods={period: _add(parts, _begin(period, moment), -1) for period, parts in self.periods.items()}
        )

    def count(self, rate: Rate, now: float) -> int:
        """Return how much of a rate is used up."""
        return sum(_within(self.periods.get(rate.period, {}), rate.period, now).values())

    def room(self, rates: Iterable[Rate], now: float) -> int | None:
        """Return how much may still be spent under all rates, or None without rates."""
        return min((max(0, rate.limit - self.count(rate, now)) for rate in rates), default=None)

    def wait(self, rate: Rate, now: float) -> int:
        """Return the whole seconds until a rate has room, 0 for now."""
        parts = _within(self.periods.get(rate.period, {}), rate.period, now)
        too_many = sum(parts.values()) - rate.limit + 1
        until = now
        for began in sorted(parts):
            if too_many <= 0:
                break
            too_many -= parts[began]
            until = _end(rate.period, began)
        return math.ceil(until - now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """The time of each phone's last request: {mark of the phone: seconds since the epoch}.

    A mark distinguishes phones and does not reveal them.
    """

    last: Mapping[str, float] = field(default_factory=dict)

    def after(self, mark: str, now: float, rates: Sequence[Rate]) -> Numbers:
        """Return the numbers with a request for `mark` at `now`, without those that no rate counts any more."""
        if not rates:
            return Numbers()
        longest, most = max(rate.period for rate in rates), max(rate.limit for rate in rates)
        fresh = {known: moment for known, moment in self.last.items() if moment > now - longest}
        # A budget that only records lets any number of phones pass. The newest ones fill the limit as well as all.
        kept = sorted((fresh | {mark: now}).items(), key=lambda item: item[1])[-most:]
        return Numbers(last=dict(kept))

    def without(self, mark: str, before: float | None) -> Numbers:
        """Return the numbers with the last request for `mark` at `before`, or without `mark`."""
        rest = {known: moment for known, moment in self.last.items() if known != mark}
        return Numbers(last=rest if before is None else rest | {mark: before})

    def wait(self, mark: str, rate: Rate, now: float) -> int:
        """Return the whole seconds until `mark` may be requested, 0 for now or if the window already has it."""
        moments = sorted(moment for moment in self.last.values() if moment > now - rate.period)
        if self.last.get(mark, -math.inf) > now - rate.period or len(moments) < rate.limit:
            return 0
        return math.ceil(moments[-rate.limit] + rate.period - now)


def _length(period: int) -> int:
    return max(1, period // PARTS)


def _begin(period: int, moment: float) -> int:
    return int(moment) // _length(period) * _length(period)


def _end(period: int, began: int) -> int:
    """Return when all of a part has left the window."""
    return began + _length(period) + period


def _within(parts: Parts, period: int, now: float) -> Parts:
    return {began: count for began, count in parts.items() if count and _end(period, began) > now}


def _add(parts: Parts, began: int, count: int) -> Parts:
    return {**parts, began: max(0, parts.get(began, 0) + count)}
