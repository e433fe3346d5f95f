"""What becomes of a message once the platform has taken it."""

from __future__ import annotations

from dataclasses import dataclass

DELIVERED = "delivered"
FAILED = "failed"
#: Nobody ever says what became of it.
NEVER = "never"

FATES = (DELIVERED, FAILED, NEVER)

#: Of the words in receipts only BLACK-Y is known; the two others are those of the trade.
WORDS = {DELIVERED: "DELIVRD", FAILED: "UNDELIV", NEVER: ""}

#: 2 means delivered, anything else failed; the figure for a failure is ours.
CODES = {DELIVERED: 2, FAILED: 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """A message's fate, and how the receipt tells of it."""

    result: str = DELIVERED
    msg: str = ""
    #: Seconds until the receipt is pushed; None: as the plan of the pushes says.
    delay: float | None = None
    #: How often the receipt is pushed.
    copies: int = 1

    @property
    def words(self) -> str:
        """Return what the receipt says."""
        return self.msg or WORDS[self.result]
