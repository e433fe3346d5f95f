"""A circuit breaker: stop calling a platform that fails, and probe it with one call at a time.

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
#: Seconds to wait while a call that is under way decides; a call takes 8 seconds at most.
SOON = 2.0


#: Faults that say nothing about the platform's health: no request was made.
_NOT_CALLED = {"no_code"}
#: HTTP 429: the platform, or a proxy before it, asks to slow down.
_SLOW_DOWN = {"throttled"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallHealth:
    """The state of the platform as one call has shown it."""

    #: Whether the platform took the message, or refused it for a reason of the message's own.
    works: bool
    #: The result code of a refusal that every further call meets too, until the account is mended.
    blocked_by: int | None = None


WORKS = CallHealth(works=True)
FAILS = CallHealth(works=False)


def read_health(submission: Submission, channel: str) -> CallHealth | None:
    """Return what a call has shown; None if nothing."""
    if submission.fault in _NOT_CALLED:
        return None
    if submission.outcome in (Outcome.UNSENT, Outcome.UNKNOWN) or submission.fault in _SLOW_DOWN:
        return FAILS
    scope = Scope.MESSAGE if submission.code is None else describe(submission.code, channel).scope
    if scope is Scope.ACCOUNT:
        return CallHealth(works=False, blocked_by=submission.code)
    return FAILS if scope is Scope.CLOCK else WORKS


class BreakerPermit:
    """A permit for one call; it is handed back when the call is over."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """No permit, and the seconds until the next attempt is worthwhile."""

    seconds: float


class Transition(enum.Enum):
    """A change of the breaker that a call caused."""

    #: Opened by failures in a row.
    FAILED = "failed"
    #: Opened because the platform refuses the account, or now refuses it with another code.
    BLOCKED = "blocked"
    #: Closed again: the probe succeeded.
    RECOVERED = "recovered"


class CircuitBreaker:
    """The circuit breaker of one channel; threads share it.

    After a failed call, no more calls are under way than failures are left. So a dead platform sees five attempts (or
    as many as were under way when the first one failed), and not all the calls that overlapped them.
    """

    def __init__(self, *, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._under_way = 0
        #: The moment from which a probe may go; None while the breaker is closed.
        self._open_until: float | None = None
        self._blocked_by: int | None = None
        self._probe: BreakerPermit | None = None

    def admit(self) -> BreakerPermit | Wait:
        """Return a permit for one call, or how long to wait."""
        with self._lock:
            seconds = self._seconds_to_wait()
            if seconds > 0:
                return Wait(seconds=seconds)
            permit = BreakerPermit()
            if self._open_until is not None:
                self._probe, self._open_until = permit, self._clock()
            self._under_way += 1
            return permit

    def may_retry(self) -> bool:
        """Return True if a call that failed may make another attempt; then the first one counts as a failure."""
        with self._lock:
            # A probe is one attempt.
            if self._open_until is not None or self._failures + 1 + self._under_way > FAILURES:
                return False
            self._failures += 1
            return True

    def finish(self, permit: BreakerPermit, health: CallHealth | None) -> Transition | None:
        """Take a permit back, count what its call has shown, and return the change that it caused."""
        with self._lock:
            self._under_way -= 1
            is_probe = permit is self._probe
            if is_probe:
                self._probe = None
            return self._learn(health, is_probe=is_probe) if health else None

    def _seconds_to_wait(self) -> float:
        if self._open_until is None:
            return SOON if self._failures and self._failures + self._under_way >= FAILURES else 0
        seconds = self._open_until - self._clock()
        if seconds > 0:
            return seconds
        # A probe that never ends must not keep the breaker open for ever.
        return SOON if self._probe and seconds > -OPEN_SECONDS else 0

    def _learn(self, health: CallHealth, *, is_probe: bool) -> Transition | None:
        if health.blocked_by is not None:
            return self._block(health.blocked_by, is_probe=is_probe)
        if self._open_until is not None and not is_probe:
            return None  # the call began before the breaker opened
        if not health.works:
            return self._count_failure()
        return self._close()

    def _block(self, result_code: int, *, is_probe: bool) -> Transition | None:
        is_news = self._open_until is None or self._blocked_by != result_code
        if is_news or is_probe:
            self._open()
        self._blocked_by = result_code
        return Transition.BLOCKED if is_news else None

    def _count_failure(self) -> Transition | None:
        was_open = self._open_until is not None
        self._failures += 1
        if was_open or self._failures >= FAILURES:
            self._open()
            return None if was_open else Transition.FAILED
        return None

    def _close(self) -> Transition | None:
        was_open = self._open_until is not None
        self._failures = 0
        self._open_until = self._blocked_by = None
        return Transition.RECOVERED if was_open else None

    def _open(self) -> None:
        self._failures = 0
        self._open_until = self._clock() + OPEN_SECONDS
