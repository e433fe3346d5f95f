"""The rules of BUDGETS, read at the moment of use."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import timedelta

from django_ihuyi.conf import Settings, settings
from django_ihuyi.guards.budgets.conversion_breaker import ConversionThresholds
from django_ihuyi.models.budgets import Budget
from django_ihuyi.rates import Rate, parse_rate


class Mode(str, enum.Enum):
    """What happens when a budget is exceeded."""

    REFUSE = "refuse"
    #: A captcha is asked for; who solves it goes on.
    CAPTCHA = "captcha"
    #: It is written down, and nobody is refused.
    RECORD = "record"
    #: Nothing is counted.
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetRule:
    """One entry of BUDGETS."""

    name: str
    mode: Mode
    limits: tuple[Rate, ...]
    numbers: tuple[Rate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrun:
    """A budget that is exceeded."""

    budget: Budget
    mode: Mode
    #: As in the REST answer.
    code: str
    #: What is exceeded: "numbers 10/10m".
    reason: str
    retry_after: int
    #: Whether operators were told when it began.
    is_told: bool = False

    def __str__(self) -> str:
        return f"{self.budget}: {self.reason}"


def read_rule(name: str) -> BudgetRule:
    """Return the rule of a budget; without limits if it is off."""
    entry = settings.BUDGETS[name]
    mode = Mode(entry["MODE"])
    limits, numbers = (
        tuple(parse_rate(text) for text in entry.get(key, ()) if mode is not Mode.OFF) for key in ("LIMITS", "NUMBERS")
    )
    return BudgetRule(name=name, mode=mode, limits=limits, numbers=numbers)


def longest_period() -> timedelta:
    """Return how far back the budgets look at the most: what nobody has touched for longer counts for nothing."""
    rules = [read_rule(name) for name in Settings.BUDGETS if name != "conversion"]
    periods = [rate.period for rule in rules for rate in (*rule.limits, *rule.numbers)]
    return timedelta(seconds=max(periods, default=0))


def read_conversion() -> tuple[Mode, ConversionThresholds]:
    """Return the mode of the conversion breaker, and its thresholds."""
    entry = settings.BUDGETS["conversion"]
    mode = Mode(entry["MODE"])
    return mode, ConversionThresholds(
        window=entry["WINDOW"],
        minimum=entry["MINIMUM"],
        percent=entry["PERCENT"],
        patience=entry["PATIENCE"],
        rest=entry["REST"],
        stops=mode is not Mode.CAPTCHA,
    )
