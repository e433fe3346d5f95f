"""Let a call of the platform through, or refuse it at once: before anything is reserved, so that this costs nothing.

All this is a process's own, and each channel has a breaker of its own: what one process has found out tells little of
another one's way, and asking a shared store would be one more thing that can hang.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from time import monotonic
from typing import Any

from django.core.signals import setting_changed

from django_ihuyi import signals
from django_ihuyi.client.exchange import retries_allowed_by
from django_ihuyi.client.outcomes import Submission
from django_ihuyi.client.results import describe
from django_ihuyi.conf import settings
from django_ihuyi.delivery.admission.bulkhead import Bulkhead
from django_ihuyi.delivery.admission.circuit_breaker import (
    FAILURES,
    OPEN_SECONDS,
    SOON,
    BreakerPermit,
    CallHealth,
    CircuitBreaker,
    Transition,
    Wait,
    read_health,
)
from django_ihuyi.exceptions import SendingUnavailable
from django_ihuyi.logs import get_logger

logger = get_logger("django_ihuyi.gates")

#: Seconds that a call waits for a free slot.
PATIENCE = 2.0
#: If every slot has waited for the platform for so many seconds, assume that it hangs, and refuse at once.
STANDSTILL = 0.05


@contextmanager
def acquire_permit(channel: str, *, patience: float = 0.0, standstill: float = math.inf) -> Iterator[Permit]:
    """Hold a permit for one call on a channel while the block runs; a function that is called inside shares it.

    Raises SendingUnavailable, at once, when the platform does not work, or enough threads use it, and none of them is
    through after `patience` seconds, or all have waited for it for `standstill` seconds.
    """
    process = _this_process()
    outer = process.held.by_channel.get(channel)
    if outer is not None and not outer.is_spent:
        yield outer
        return
    permit = process.held.by_channel[channel] = process.admit(channel, patience=patience, standstill=standstill)
    try:
        yield permit
    finally:
        process.held.by_channel[channel] = outer
        permit.end()
        permit.tell()


def acquire_permit_in_turn(channel: str) -> AbstractContextManager[Permit]:
    """Hold a permit as `acquire_permit` does, after a wait of at most PATIENCE while others come and go."""
    return acquire_permit(channel, patience=PATIENCE, standstill=STANDSTILL)


def forget(*, clock: Callable[[], float] = monotonic) -> None:
    """Begin anew, as a process does that was only just started; tests hand in a clock that they can turn."""
    _processes.clear()
    _processes[os.getpid()] = _Process(clock=clock)


class Permit:
    """Permit for one call: a place in the process's bulkhead, and a permit of the channel's circuit breaker."""

    def __init__(
        self, channel: str, *, bulkhead: Bulkhead, breaker: CircuitBreaker, breaker_permit: BreakerPermit
    ) -> None:
        self._channel = channel
        self._bulkhead = bulkhead
        self._breaker = breaker
        self._breaker_permit = breaker_permit
        self._transition: Transition | None = None
        self._submission: Submission | None = None
        #: Whether the call was made; what is then called in the same thread needs a permit of its own.
        self.is_spent = False

    def call(self, submit: Callable[[], Submission]) -> Submission:
        """Make the call, and let its outcome teach the circuit breaker."""
        health = None
        try:
            with self._bulkhead.calling(), retries_allowed_by(self._breaker.may_retry):
                self._submission = submission = submit()
            health = read_health(submission, self._channel)
        finally:
            self.end(health)
        return submission

    def end(self, health: CallHealth | None = None) -> None:
        """Hand the permit back, if that was not done."""
        if not self.is_spent:
            self.is_spent = True
            self._transition = self._breaker.finish(self._breaker_permit, health)
            self._bulkhead.leave()

    def tell(self) -> None:
        """Say loudly, if this call was the one that changed something, that it did."""
        if self._transition is not None and self._submission is not None:
            _TELL[self._transition](self._channel, self._submission)


class _Held(threading.local):
    """The permits that a thread holds."""

    def __init__(self) -> None:
        self.by_channel: dict[str, Permit | None] = {}


class _Process:
    """The admission control of one process."""

    def __init__(self, *, clock: Callable[[], float] = monotonic) -> None:
        self.held = _Held()
        self._clock = clock
        self._bulkhead = Bulkhead()
        self._breakers: dict[str, CircuitBreaker] = {}

    def admit(self, channel: str, *, patience: float, standstill: float) -> Permit:
        breaker = self._breakers.setdefault(channel, CircuitBreaker(clock=self._clock))
        breaker_permit = breaker.admit()
        if isinstance(breaker_permit, Wait):
            raise SendingUnavailable(retry_after=math.ceil(breaker_permit.seconds))
        room = settings.PLATFORM_CONCURRENCY
        if not self._bulkhead.enter(room=room, patience=patience, standstill=standstill):
            breaker.finish(breaker_permit, None)
            raise SendingUnavailable(retry_after=math.ceil(SOON))
        return Permit(channel, bulkhead=self._bulkhead, breaker=breaker, breaker_permit=breaker_permit)


#: By process id: after a fork the parent's locks may be held by nobody, and its calls are not the child's.
_processes: dict[int, _Process] = {}


def _this_process() -> _Process:
    process = _processes.get(os.getpid())
    return process or _processes.setdefault(os.getpid(), _Process())


def _tell_failed(channel: str, submission: Submission) -> None:
    logger.warning(
        "The platform cannot be used on the channel %s: %d attempts in a row failed, the last one with %s. It is not "
        "called for %d seconds, then once to see whether it works again.",
        channel,
        FAILURES,
        submission.fault or submission.outcome.value,
        OPEN_SECONDS,
    )


def _tell_blocked(channel: str, submission: Submission) -> None:
    result_code = submission.code
    assert result_code is not None  # noqa: S101 - that is what blocked it
    meaning = describe(result_code, channel)
    logger.error(
        "Nothing can be sent on the channel %s until the %s acts: the platform refuses the account with %d. %s It is "
        "asked again every %d seconds; once that is mended, sending goes on by itself.",
        channel,
        meaning.actor.value,
        result_code,
        meaning.en,
        OPEN_SECONDS,
    )
    signals.platform_blocked.send_robust(Permit, channel=channel, result_code=result_code)


def _tell_recovered(channel: str, _submission: Submission) -> None:
    logger.warning("The platform works again on the channel %s.", channel)


_TELL: dict[Transition, Callable[[str, Submission], None]] = {
    Transition.FAILED: _tell_failed,
    Transition.BLOCKED: _tell_blocked,
    Transition.RECOVERED: _tell_recovered,
}


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "IHUYI":
        forget()


setting_changed.connect(_forget)
