"""How many guesses may be answered for one phone and purpose, however many codes are asked for.

The figures: five codes a day with five guesses each leave a stranger 2.5e-5 a day, 0.9 % a year. Hence the pauses,
and the end at 100 failures in a row (NIST SP 800-63B-4, section 3.2.2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

DAY = timedelta(days=1)
#: Guesses answered in any 24 hours.
DAILY = 25
#: Failures in a row before the first lockout; every further one doubles the lockout.
IN_A_ROW = 10
FIRST_LOCKOUT = timedelta(minutes=15)
LONGEST_LOCKOUT = DAY
#: Failures in a row after which only an operator opens the lock.
LOCKED = 100
#: Failures in a row, all attempts at one code, that a number is remembered for even if nothing else is known of it.
REMEMBERED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class GuessBudget:
    """What a recipient's row remembers of the wrong guesses for one purpose; only a right one clears it."""

    failed_at: Sequence[float] = ()
    in_a_row: int = 0

    @classmethod
    def load(cls, guesses: Mapping[str, Any], purpose: str) -> GuessBudget:
        """Read the budget of a purpose from `Recipient.guesses`."""
        return cls(**guesses.get(purpose, {}))

    def closed_until(self, now: datetime) -> datetime | None:
        """Return when the next guess may be answered, None for now."""
        if not self.failed_at:
            return None
        until = max(self._end_of_lockout(now), self._end_of_full_day(now))
        return until if until > now else None

    def after_failure(self, guesses: Mapping[str, Any], purpose: str, now: datetime) -> dict[str, Any]:
        """Return `guesses` with one more wrong guess for `purpose`."""
        failed_at = [*self.failed_at, now.timestamp()][-DAILY:]
        return {**guesses, purpose: {"failed_at": failed_at, "in_a_row": self.in_a_row + 1}}

    def after_success(self, guesses: Mapping[str, Any], purpose: str) -> dict[str, Any]:
        """Return `guesses` without a trace of `purpose`."""
        return {name: budget for name, budget in guesses.items() if name != purpose}

    def _end_of_lockout(self, now: datetime) -> datetime:
        if self.in_a_row < IN_A_ROW:
            return now
        last = _from_timestamp(self.failed_at[-1])
        if self.in_a_row >= LOCKED:
            return now + DAY - (now - last) % DAY  # counts down as a lockout does, and then again
        # The exponent is capped only to keep the number small: 15 minutes reach a day after seven doublings.
        lockout: timedelta = min(FIRST_LOCKOUT * 2 ** min(self.in_a_row - IN_A_ROW, 7), LONGEST_LOCKOUT)
        return last + lockout

    def _end_of_full_day(self, now: datetime) -> datetime:
        if len(self.failed_at) < DAILY:
            return now
        return _from_timestamp(self.failed_at[-DAILY]) + DAY


def _from_timestamp(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, tz=timezone.utc)
