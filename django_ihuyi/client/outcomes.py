"""What became of a call: values, never exceptions."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Outcome(enum.Enum):
    """The four ways in which a call can end."""

    #: The platform took it.
    ACCEPTED = "accepted"
    #: The platform said no.
    REFUSED = "refused"
    #: Nothing left this machine: safe to try again.
    UNSENT = "unsent"
    #: Perhaps taken, perhaps not: never send it again by machine.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What became of one message."""

    outcome: Outcome
    #: The platform's result code, if it gave one.
    code: int | None
    #: The platform's words, or ours for a fault; at most 200 characters, printable, never a secret.
    text: str
    #: The platform's id of an accepted message.
    platform_id: str = ""
    #: A stable slug for what went wrong on the way (see `faults`), or with this machine's clock ("clock_skew"); else
    #: empty where the platform answered.
    fault: str = ""
    #: Seconds that the call took.
    elapsed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """How many messages the account has left."""

    outcome: Outcome
    code: int | None
    text: str
    fault: str = ""
    elapsed: float
    #: None unless the outcome is accepted.
    units: int | None
