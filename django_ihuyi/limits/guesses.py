"""How many guesses are judged for one phone and purpose, however many codes are requested.

Five codes a day with five guesses each would give an attacker a chance of 2.5e-5 a day, 0.9 % a year. Hence the
lockouts, and the permanent lock after 100 failures in a row (NIST SP 800-63B-4, section 3.2.2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

DAY = timedelta(days=1)
#: Failures in any 24 hours after which no guess is judged.
DAILY = 25
#: Failures in a row before the first lockout; each further one doubles it.
IN_A_ROW = 10
FIRST_LOCKOUT = timedelta(minutes=15)
LONGEST_LOCKOUT = DAY
#: Failures in a row after which only an operator can unlock the purpose.
LOCKED = 100
#: Failures in a row from which the purge keeps a recipient without other rows: all attempts at one code.
REMEMBERED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class GuessBudget:
    """The wrong guesses for one purpose, as stored in a recipient's row. Only a right guess clears them."""

    #: Unix times of the last DAILY failures, oldest first.
    failed_at: Sequence[float] = ()
    in_a_row: int = 0

    @classmethod
    def load(cls, guesses: Mapping[str, Any], purpose: str) -> GuessBudget:
        """Return the budget of a purpose in `Recipient.guesses`."""
        return cls(**guesses.get(purpose, {}))

    def closed_until(self, now: datetime) -> datetime | None:
        """Return the time until which no guess is judged, or None."""
        until = self._end_of_lockout(now)
        if len(self.failed_at) >= DAILY:
            until = max(until, _from_timestamp(self.failed_at[-DAILY]) + DAY)
        return until if until > now else None

    def after_failure(self, guesses: Mapping[str, Any], purpose: str, now: datetime) -> dict[str, Any]:
        """Return `guesses` with one more wrong guess for `purpose`."""
        failed_at = [*self.failed_at, now.timestamp()][-DAILY:]
        return {**guesses, purpose: {"failed_at": failed_at, "in_a_row": self.in_a_row + 1}}

    def after_success(self, guesses: Mapping[str, Any], purpose: str) -> dict[str, Any]:
        """Return `guesses` without `purpose`."""
        return {name: budget for name, budget in guesses.items() if name != purpose}

    def _end_of_lockout(self, now: datetime) -> datetime:
        if self.in_a_row < IN_A_ROW:
            return now
        last = _from_timestamp(self.failed_at[-1])
        if self.in_a_row >= LOCKED:
            # A countdown that begins again each day: no answer shows that the lock is permanent.
            return now + DAY - (now - last) % DAY
        # Seven doublings reach LONGEST_LOCKOUT; without the cap the power would overflow a timedelta.
        lockout: timedelta = min(FIRST_LOCKOUT * 2 ** min(self.in_a_row - IN_A_ROW, 7), LONGEST_LOCKOUT)
        return last + lockout


def _from_timestamp(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, tz=timezone.utc)
