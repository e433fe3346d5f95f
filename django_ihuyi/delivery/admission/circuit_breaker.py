"""A circuit breaker: stop calling a platform that fails, then probe it with one call at a time.

closed ── 5 failures in a row, or one refusal of the account ──▶ open ── 30 s ──▶ one probe ──▶ closed, or open again
"""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from django_ihuyi.client.outcomes import Outcome, Submission
from django_ihuyi.client.results import Scope, describe

#: Failures in a row that open the breaker; each attempt at a connection counts, also the client's second one.
FAILURES = 5
#: Seconds until a probe, and so the longest wait after the account was mended.
OPEN_SECONDS = 30.0
#: Seconds to wait for a call under way whose result may change the breaker; a call takes 8 seconds at most.
SOON = 2.0

#: Faults that say nothing about the platform's health: no request was made.
_NOT_CALLED = {"no_code"}
#: HTTP 429: the platform, or a proxy before it, asks to slow down.
_SLOW_DOWN = {"throttled"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallHealth:
    """The health of the platform, as one call has shown it."""

    #: True if the platform accepted the message, or refused it for a reason that concerns this message only.
    works: bool
    #: The result code, if the platform refuses the account: every call meets it, until an operator acts.
    blocked_by: int | None = None


WORKS = CallHealth(works=True)
FAILS = CallHealth(works=False)


def read_health(submission: Submission, channel: str) -> CallHealth | None:
    """Return the health that a call has shown; None if it has shown nothing."""
    if submission.fault in _NOT_CALLED:
        return None
    if submission.outcome in (Outcome.UNSENT, Outcome.UNKNOWN) or submission.fault in _SLOW_DOWN:
        return FAILS
    scope = Scope.MESSAGE if submission.code is None else describe(submission.code, channel).scope
    if scope is Scope.ACCOUNT:
        return CallHealth(works=False, blocked_by=submission.code)
    return FAILS if scope is Scope.CLOCK else WORKS


class BreakerPermit:
    """A permit for one call; its holder returns it with `finish`."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """No permit now; try again after `seconds`."""

    seconds: float


class Transition(enum.Enum):
    """A change of the breaker's state that a call caused."""

    #: Opened by failures in a row.
    FAILED = "failed"
    #: Opened because the platform refuses the account, or now refuses it with another code.
    BLOCKED = "blocked"
    #: Closed again: the probe succeeded.
    RECOVERED = "recovered"


class CircuitBreaker:
    """The circuit breaker of one channel; threads share it.

    After a failure it admits only as many calls as failures are left. So a dead platform sees five attempts (or as many
    as were under way when the first one failed), not one from each waiting thread.
    """

    def __init__(self, *, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._under_way = 0
        #: The time from which a probe is admitted; None while the breaker is closed.
        self._open_until: float | None = None
        self._blocked_by: int | None = None
        self._probe: BreakerPermit | None = None

    def admit(self) -> BreakerPermit | Wait:
        """Return a permit for one call, or the time to wait."""
        with self._lock:
            seconds = self._seconds_to_wait()
            if seconds > 0:
                return Wait(seconds=seconds)
            permit = BreakerPermit()
            if self._open_until is not None:
                # The time of a probe that never ends is counted from here: see `_seconds_to_wait`.
                self._probe, self._open_until = permit, self._clock()
            self._under_way += 1
            return permit

    def may_retry(self) -> bool:
        """Return True if a call whose first attempt failed may make another; then the first one counts as a failure."""
        with self._lock:
            # While the breaker is open no call has a second attempt: a probe is one attempt.
            if self._open_until is not None or self._failures + 1 + self._under_way > FAILURES:
                return False
            self._failures += 1
            return True

    def finish(self, permit: BreakerPermit, health: CallHealth | None) -> Transition | None:
        """Take a permit back, count the health that its call has shown, and return the change that this caused."""
        with self._lock:
            self._under_way -= 1
            is_probe = permit is self._probe
            if is_probe:
                self._probe = None
            return self._record(health, is_probe=is_probe) if health else None

    def _seconds_to_wait(self) -> float:
        if self._open_until is None:
            return SOON if self._failures and self._failures + self._under_way >= FAILURES else 0
        seconds = self._open_until - self._clock()
        if seconds > 0:
            return seconds
        # The others wait while the probe is under way. A probe that never ends must not keep the breaker open for ever.
        return SOON if self._probe and seconds > -OPEN_SECONDS else 0

    def _record(self, health: CallHealth, *, is_probe: bool) -> Transition | None:
        was_open = self._open_until is not None
        if health.blocked_by is not None:
            is_news = not was_open or self._blocked_by != health.blocked_by
            self._blocked_by = health.blocked_by
            if is_news or is_probe:
                self._open()
            return Transition.BLOCKED if is_news else None
        if was_open and not is_probe:
            return None  # the call began before the breaker opened
        if health.works:
            self._failures = 0
            self._open_until = self._blocked_by = None
            return Transition.RECOVERED if was_open else None
        self._failures += 1
        if was_open or self._failures >= FAILURES:
            self._open()
            return None if was_open else Transition.FAILED
        return None

    def _open(self) -> None:
        # `_blocked_by` stays: if the probe meets the same refusal of the account, that is no news.
        self._failures = 0
        self._open_until = self._clock() + OPEN_SECONDS
