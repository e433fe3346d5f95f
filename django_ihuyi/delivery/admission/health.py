"""What the outcome of a call says of the platform, as far as the next call is concerned."""

from __future__ import annotations

from dataclasses import dataclass

from django_ihuyi.client.outcomes import Outcome, Submission
from django_ihuyi.client.results import ResultKind, describe

#: Faults from which nothing follows, because nobody called.
_SAY_NOTHING = {"no_code"}
#: Refusals that speak of no message: the platform asks to slow down.
_SLOW_DOWN = {"throttled"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallHealth:
    """What one call has shown."""

    #: Whether the platform took the message, or refused it for a reason of the message's own.
    works: bool
    #: The result code of a refusal that every further call would meet too, until somebody mends the account.
    blocked_by: int | None = None


WORKS = CallHealth(works=True)
FAILS = CallHealth(works=False)


def read_health(submission: Submission) -> CallHealth | None:
    """Return what a call has shown; None if nothing."""
    if submission.fault in _SAY_NOTHING:
        return None
    if submission.outcome in (Outcome.UNSENT, Outcome.UNKNOWN) or submission.fault in _SLOW_DOWN:
        return FAILS
    kind = None if submission.code is None else describe(submission.code).kind
    if kind is ResultKind.ACCOUNT:
        return CallHealth(works=False, blocked_by=submission.code)
    # With a wrong clock every password is refused, until it is set right.
    return FAILS if kind is ResultKind.CLOCK else WORKS
