"""The rules of BUDGETS, read at each request."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django_ihuyi.conf import Settings, settings
from django_ihuyi.guards import Wanted
from django_ihuyi.models.budgets import Budget
from django_ihuyi.rates import Rate, parse_rate

#: A subscriber may own a /48 of IPv6 with 65,536 networks of clients; but many subscribers may share one, too.
_CLIENTS_OF_A_NETWORK = 4


class Mode(str, enum.Enum):
    """The consequence of an exceeded budget."""

    REFUSE = "refuse"
    #: A captcha must be solved.
    CAPTCHA = "captcha"
    #: Operators are told, and the request goes on.
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
    #: Different phones behind a captcha; with them, `numbers` want a captcha and do not refuse.
    behind_captcha: tuple[Rate, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionThresholds:
    """The thresholds of the conversion breaker. Times are in seconds."""

    #: How many of the last codes are counted, and how many there must be at least.
    window: int
    minimum: int
    #: How many in a hundred must be verified.
    percent: int
    #: The age from which a code is counted, because people need a moment to type it.
    patience: int
    #: How long the stages CAPTCHA and STOP last.
    rest: int
    #: False if the breaker asks for a captcha at most.
    stops: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrun:
    """An exceeded budget."""

    budget: Budget
    mode: Mode
    #: The code of the REST answer.
    code: str
    #: The exceeded limit: "numbers 10/10m".
    reason: str
    retry_after: int
    #: When the budget was read, by the database's clock.
    moment: datetime
    #: True if operators were already told.
    is_told: bool = False

    def __str__(self) -> str:
        return f"{self.budget}: {self.reason}"

    def stops(self, wanted: Wanted) -> bool:
        """Return True if the request is refused, or must solve a captcha first."""
        return self.mode is Mode.REFUSE or (self.mode is Mode.CAPTCHA and not wanted.is_captcha_solved)


def read_rule(name: str) -> BudgetRule:
    """Return the rule of a budget. A budget with the mode OFF has no limits."""
    entry = settings.BUDGETS[name]
    mode = Mode(entry["MODE"])
    limits, numbers, behind_captcha = (
        tuple(parse_rate(text) for text in entry.get(key, ()) if mode is not Mode.OFF)
        for key in ("LIMITS", "NUMBERS", "BEHIND_CAPTCHA")
    )
    if mode is not Mode.REFUSE:
        behind_captcha = ()
    return BudgetRule(name=name, mode=mode, limits=limits, numbers=numbers, behind_captcha=behind_captcha)


def read_send_rates(limits: Mapping[str, Sequence[str] | None], budget: str) -> tuple[Rate, ...]:
    """Return the rates of sends in CLIENT_LIMITS or GLOBAL_LIMITS; None there: those of a budget that refuses."""
    rates = limits.get("send", ())
    if rates is not None:
        return tuple(parse_rate(text) for text in rates)
    rule = read_rule(budget)
    return rule.limits if rule.mode is Mode.REFUSE else ()


def read_network_rule(*, can_show_captcha: bool) -> BudgetRule:
    """Return the rule of an IPv6 /48 network: four times the figures of a client, and it never refuses."""
    client = read_rule("client")
    limits, numbers = (
        tuple(replace(rate, limit=_CLIENTS_OF_A_NETWORK * rate.limit) for rate in rates)
        for rates in (client.limits, client.numbers)
    )
    mode = Mode.CAPTCHA if can_show_captcha and client.mode is not Mode.RECORD else Mode.RECORD
    return BudgetRule(name="network", mode=mode, limits=limits, numbers=numbers)


def longest_period() -> timedelta:
    """Return the longest period of all limits. Rows of budgets that were not changed for so long may be deleted."""
    rules = [read_rule(name) for name in Settings.BUDGETS if name != "conversion"]
    periods = [rate.period for rule in rules for rate in (*rule.limits, *rule.numbers)]
    return timedelta(seconds=max(periods, default=0))


def read_conversion() -> tuple[Mode, ConversionThresholds]:
    """Return the mode and the thresholds of the conversion breaker."""
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
