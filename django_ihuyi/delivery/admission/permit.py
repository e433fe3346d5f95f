"""Permits: let a call of the platform through, or refuse it before anything is reserved.

Each process has its own state, with a circuit breaker for each channel. A shared store could hang too, and another
process may reach the platform over another network.
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
#: Seconds after which, if every slot waits for the platform and none moves, it is assumed to hang: refuse at once.
STANDSTILL = 0.05


@contextmanager
def acquire_permit(channel: str, *, patience: float = 0.0, standstill: float = math.inf) -> Iterator[Permit]:
    """Hold a permit for one call on a channel while the block runs; functions called inside share it.

    Raises SendingUnavailable at once while the circuit breaker is open. If all slots are taken, raises it after
    `patience` seconds, or once all of them have waited for the platform for `standstill` seconds.
    """
    process = _processes.get(os.getpid()) or _processes.setdefault(os.getpid(), _Process())
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
        # Last, when the slot is free and an inline call's outcome is written: a log handler or a receiver may be slow.
        permit.report()


def acquire_permit_in_turn(channel: str) -> AbstractContextManager[Permit]:
    """Hold a permit as `acquire_permit` does; wait for a free slot for at most PATIENCE seconds."""
    return acquire_permit(channel, patience=PATIENCE, standstill=STANDSTILL)


def forget(*, clock: Callable[[], float] = monotonic) -> None:
    """Reset the admission control of this process to its initial state. Tests pass a clock that they can set."""
    _processes.clear()
    _processes[os.getpid()] = _Process(clock=clock)


class Permit:
    """A permit for one call: a slot of the process's bulkhead, and a permit of the channel's circuit breaker."""

    def __init__(
        self, channel: str, *, bulkhead: Bulkhead, breaker: CircuitBreaker, breaker_permit: BreakerPermit
    ) -> None:
        self._channel = channel
        self._bulkhead = bulkhead
        self._breaker = breaker
        self._breaker_permit = breaker_permit
        self._transition: Transition | None = None
        self._submission: Submission | None = None
        #: True after the call: a further call of the same thread needs a new permit.
        self.is_spent = False

    def call(self, submit: Callable[[], Submission]) -> Submission:
        """Make the call, and pass its outcome to the circuit breaker."""
        health = None
        try:
            with self._bulkhead.calling(), retries_allowed_by(self._breaker.may_retry):
                self._submission = submission = submit()
            health = read_health(submission, self._channel)
        finally:
            # Also if the backend raised: that shows nothing of the platform, but frees the slot.
            self.end(health)
        return submission

    def end(self, health: CallHealth | None = None) -> None:
        """Return the permit, unless it was returned."""
        if not self.is_spent:
            self.is_spent = True
            self._transition = self._breaker.finish(self._breaker_permit, health)
            self._bulkhead.leave()

    def report(self) -> None:
        """Log the change of the circuit breaker that this call caused, if any; send `platform_blocked` if it blocks."""
        submission = self._submission
        if self._transition is None or submission is None:
            return
        if self._transition is Transition.RECOVERED:
            logger.warning("The platform works again on the channel %s.", self._channel)
        elif self._transition is Transition.FAILED:
            logger.warning(
                "The platform cannot be used on the channel %s: %d attempts in a row failed, the last one with %s. It "
                "is not called for %d seconds, then once to see whether it works again.",
                self._channel,
                FAILURES,
                submission.fault or submission.outcome.value,
                OPEN_SECONDS,
            )
        elif submission.code is not None:
            row = describe(submission.code, self._channel)
            logger.error(
                "Nothing can be sent on the channel %s until the %s acts: the platform refuses the account with %d. %s "
                "The platform is asked again every %d seconds; sending continues by itself once the cause is mended.",
                self._channel,
                row.actor.value,
                row.code,
                row.en,
                OPEN_SECONDS,
            )
            signals.platform_blocked.send_robust(Permit, channel=self._channel, result_code=row.code)


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
        slots = settings.PLATFORM_CONCURRENCY
        if not self._bulkhead.enter(slots=slots, patience=patience, standstill=standstill):
            breaker.finish(breaker_permit, None)
            raise SendingUnavailable(retry_after=math.ceil(SOON))
        return Permit(channel, bulkhead=self._bulkhead, breaker=breaker, breaker_permit=breaker_permit)


#: By process id: after a fork, a lock of the parent may be held by a thread that does not exist in the child.
_processes: dict[int, _Process] = {}


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "IHUYI":
        forget()


setting_changed.connect(_forget)
