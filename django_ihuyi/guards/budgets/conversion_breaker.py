"""The conversion breaker: codes that nobody types in are sent to numbers whose owners did not ask for them.

It watches the share of the last codes that were verified. Too low a share first asks for a captcha; if the codes that
are sent behind the captcha are not verified either, no more are sent. Both end after a rest.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any


class Stage(str, enum.Enum):
    """What the breaker does."""

    WATCH = "watch"
    CAPTCHA = "captcha"
    STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionThresholds:
    """The configured thresholds; times are in seconds."""

    #: Codes that are looked at, and how many there must be at least.
    window: int
    minimum: int
    #: How many of a hundred must be verified.
    percent: int
    #: How old a code is before it is looked at: people need a moment to type.
    patience: int
    #: How long a captcha is asked for, and nothing sent.
    rest: int
    #: Whether it comes to a stop, or asks for a captcha at most.
    stops: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionBreaker:
    """Where the breaker stands; times are seconds since the epoch."""

    stage: Stage = Stage.WATCH
    #: When this stage began: only codes that were sent since then are looked at.
    since: float = 0
    #: When it was last looked at codes.
    checked: float = 0
    #: What was seen when the stage began, for operators: verified of how many.
    seen: str = ""

    @classmethod
    def load(cls, stored: Mapping[str, Any]) -> ConversionBreaker:
        """Read what `dump` made."""
        return cls(**{**stored, "stage": Stage(stored.get("stage", Stage.WATCH))})

    def dump(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {**asdict(self), "stage": self.stage.value}

    def rest(self, now: float, thresholds: ConversionThresholds) -> int:
        """Return the whole seconds until this stage ends by itself."""
        return max(0, math.ceil(self.since + thresholds.rest - now))

    def after(self, verified: Sequence[bool], now: float, thresholds: ConversionThresholds) -> ConversionBreaker:
        """Return where it stands at `now`, after a look at which of the last codes (since `since`) were verified."""
        stage = self._next(verified, now, thresholds)
        if stage is None:
            return self
        seen = f"{sum(verified)}/{len(verified)}"
        return replace(self, stage=stage, since=now, seen=seen)

    def _next(self, verified: Sequence[bool], now: float, thresholds: ConversionThresholds) -> Stage | None:
        if self.stage is Stage.STOP:  # nothing was sent since, so there is nothing to look at
            return None if self.rest(now, thresholds) else Stage.CAPTCHA
        if len(verified) >= thresholds.minimum:
            if sum(verified) * 100 < thresholds.percent * len(verified):
                return Stage.STOP if self.stage is Stage.CAPTCHA and thresholds.stops else Stage.CAPTCHA
            if self.stage is Stage.CAPTCHA:
                return Stage.WATCH
        if self.stage is Stage.CAPTCHA and not self.rest(now, thresholds):
            return Stage.WATCH
        return None
