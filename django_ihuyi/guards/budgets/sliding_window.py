"""How much was spent in rolling windows: a budget's memory, bounded however much is spent.

A period is remembered in sixtieths. A part counts until all of it has left the window, so that no window of the
period, wherever it begins, holds more than the limit; room comes back up to a sixtieth of the period late.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django_ihuyi.rates import Rate

PARTS = 60

Parts = Mapping[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What was spent of a budget: {period in seconds: {when a part of it began: how many}}."""

    periods: Mapping[int, Parts] = field(default_factory=dict)

    @classmethod
    def load(cls, stored: Mapping[str, Any]) -> Spending:
        """Read what `dump` made."""
        return cls(periods={int(period): dict(parts) for period, parts in stored.items()})

    def dump(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {str(period): sorted(parts.items()) for period, parts in self.periods.items()}

    def after(self, moment: float, rates: Iterable[Rate], *, count: int = 1) -> Spending:
        """Return it with `count` more spent at `moment`; without what no window holds any more (and other rates)."""
        return Spending(
            periods={
                period: _add(_within(self.periods.get(period, {}), period, moment), _begin(period, moment), count)
                for period in {rate.period for rate in rates}
            }
        )

    def without(self, moment: float) -> Spending:
        """Return it with what was spent once at `moment` given back."""
        return Spending(
            periods={period: _add(parts, _begin(period, moment), -1) for period, parts in self.periods.items()}
        )

    def count(self, rate: Rate, now: float) -> int:
        """Return how much of a rate is used up."""
        return sum(_within(self.periods.get(rate.period, {}), rate.period, now).values())

    def room(self, rates: Iterable[Rate], now: float) -> int | None:
        """Return how much may still be spent under all rates, None without any."""
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


def _length(period: int) -> int:
    return max(1, period // PARTS)


def _begin(period: int, moment: float) -> int:
    return int(moment) // _length(period) * _length(period)


def _end(period: int, began: int) -> int:
    """Return when a part has left the window as a whole."""
    return began + _length(period) + period


def _within(parts: Parts, period: int, now: float) -> Parts:
    return {began: count for began, count in parts.items() if count and _end(period, began) > now}


def _add(parts: Parts, began: int, count: int) -> Parts:
    return {**parts, began: max(0, parts.get(began, 0) + count)}
