"""How many guesses are judged for one phone and purpose, however many codes are requested.

Five codes a day with five guesses each would give an attacker a chance of 2.5e-5 a day, 0.9 % a year. Hence the
lockouts, and the permanent lock after 100 failures in a row (NIST SP 800-63B-4, section 3.2.2).

Clients with a device mark have a second budget of the same size, so that strangers who use up the first one do not lock
the phone's holder out. The permanent lock counts both together and locks both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from django_ihuyi.models import Recipient

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
    """The wrong guesses for one purpose, as stored in a recipient's row. Only a right guess clears them.

    Guesses of clients with a device mark are stored apart from those of all others.
    """

    #: Unix times of the last DAILY failures, oldest first.
    failed_at: Sequence[float] = ()
    in_a_row: int = 0
    #: The budget of the clients that this one is not for: the lock counts their failures as well.
    other: GuessBudget | None = None

    @classmethod
    def load(cls, recipient: Recipient, purpose: str, *, is_marked: bool) -> GuessBudget:
        """Return the budget of a purpose, for clients with a device mark or for all others."""
        unmarked, marked = (guesses.get(purpose, {}) for guesses in (recipient.guesses, recipient.marked_guesses))
        own, other = (marked, unmarked) if is_marked else (unmarked, marked)
        return cls(**own, other=cls(**other))

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

    def _end_of_lockout(self, now: datetime) -> datetime:
        other = self.other or GuessBudget()
        if self.in_a_row + other.in_a_row >= LOCKED:
            # A countdown that begins again each day: no answer shows that the lock is permanent.
            last = _from_timestamp(max([*self.failed_at, *other.failed_at]))
            return now + DAY - (now - last) % DAY
        if self.in_a_row < IN_A_ROW:
            return now
        last = _from_timestamp(self.failed_at[-1])
        # Seven doublings reach LONGEST_LOCKOUT; without the cap the power would overflow a timedelta.
        lockout: timedelta = min(FIRST_LOCKOUT * 2 ** min(self.in_a_row - IN_A_ROW, 7), LONGEST_LOCKOUT)
        return last + lockout


def after_success(guesses: Mapping[str, Any], purpose: str) -> dict[str, Any]:
    """Return `guesses` without those for `purpose`."""
    return {name: budget for name, budget in guesses.items() if name != purpose}


def count_in_a_row(recipient: Recipient) -> dict[str, list[int]]:
    """Return the failures in a row by purpose: those of clients without a device mark, and those of marked ones."""
    kept = (recipient.guesses, recipient.marked_guesses)
    purposes = [purpose for guesses in kept for purpose in guesses]
    return {purpose: [guesses.get(purpose, {}).get("in_a_row", 0) for guesses in kept] for purpose in purposes}


def _from_timestamp(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, tz=timezone.utc)
