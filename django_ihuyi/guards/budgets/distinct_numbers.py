"""How many different phones a client, a user or a prefix asked for, in rolling windows.

Phones are remembered by marks, which tell them apart and do not tell them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django_ihuyi.rates import Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """When each phone was last asked for: {its mark: seconds since the epoch}."""

    last: Mapping[str, float] = field(default_factory=dict)

    def after(self, mark: str, now: float, rates: Sequence[Rate]) -> Numbers:
        """Return it with `mark` asked for at `now`; without what no limit looks at any more."""
        if not rates:
            return Numbers()
        longest, most = max(rate.period for rate in rates), max(rate.limit for rate in rates)
        fresh = {known: moment for known, moment in self.last.items() if moment > now - longest}
        # Where nothing is refused there may be any number of them: the newest ones fill the limit as well.
        kept = sorted((fresh | {mark: now}).items(), key=lambda item: item[1])[-most:]
        return Numbers(last=dict(kept))

    def without(self, mark: str, before: float | None) -> Numbers:
        """Return it as it was when `mark` was last asked for at `before`, or never."""
        rest = {known: moment for known, moment in self.last.items() if known != mark}
        return Numbers(last=rest if before is None else rest | {mark: before})

    def wait(self, mark: str, rate: Rate, now: float) -> int:
        """Return the whole seconds until `mark` may be asked for, 0 for now; one in the window always may."""
        moments = sorted(moment for moment in self.last.values() if moment > now - rate.period)
        if self.last.get(mark, -math.inf) > now - rate.period or len(moments) < rate.limit:
            return 0
        return math.ceil(moments[-rate.limit] + rate.period - now)
