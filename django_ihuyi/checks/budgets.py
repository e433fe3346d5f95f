"""Findings about budgets, exemptions from them, and denied prefixes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django_ihuyi import phones
from django_ihuyi.checks.findings import finding
from django_ihuyi.checks.names import accepts, has_guard, sound
from django_ihuyi.client_addresses import parse_network
from django_ihuyi.conf import Settings, settings
from django_ihuyi.guards.budgets import BudgetGuard
from django_ihuyi.guards.budgets.rules import Mode
from django_ihuyi.rates import parse_rate

GUARD = "django_ihuyi.guards.budgets.BudgetGuard"
_RATES = {"LIMITS", "NUMBERS", "BEHIND_CAPTCHA"}
#: Keys that a budget does not have.
_UNAVAILABLE = {
    **{name: {"BEHIND_CAPTCHA"} for name in ("client", "user")},
    **{name: {"NUMBERS", "BEHIND_CAPTCHA"} for name in ("global", "unverified")},
}
#: The bounds of each threshold of the conversion breaker.
_THRESHOLDS = {
    "WINDOW": (10, 1000),
    "MINIMUM": (10, 1000),
    "PERCENT": (1, 90),
    "PATIENCE": (10, 600),
    "REST": (60, 86_400),
}


def are_readable() -> bool:
    """Return True if BUDGETS is valid; the findings below report why not."""
    if sound("BUDGETS") != settings.BUDGETS:
        return False
    return not any(any(find()) for find in (find_unknown_budgets, find_wrong_limits, find_unknown_modes))


@finding("E070", hint="Correct the name: the settings reference lists the budgets and their keys.")
def find_unknown_budgets() -> Iterator[str]:
    """BUDGETS has an unknown budget, or a budget has an unknown key."""
    for name, entry in sound("BUDGETS").items():
        if name not in Settings.BUDGETS:
            yield f"IHUYI['BUDGETS'] has the unknown budget {name!r}."
            continue
        for key in sorted(set(entry) - _keys(name)):
            yield f"The budget {name!r} has the unknown key {key!r}."


@finding("E071", hint='Write a list of count/period ("10/h", "10/10m"); the settings reference has the bounds.')
def find_wrong_limits() -> Iterator[str]:
    """A budget has a limit that is not a list of rates, or a threshold of `conversion` is out of bounds."""
    for name, entry in _entries():
        for key in sorted(_RATES & set(entry)):
            if not _are_rates(entry[key]):
                yield f"The {key} of the budget {name!r} are not a list of rates."
    yield from _complain_of_conversion(sound("BUDGETS")["conversion"])


@finding("E072", hint='Write "refuse", "captcha", "record" or "off".')
def find_unknown_modes() -> Iterator[str]:
    """A budget has an unknown MODE."""
    for name, entry in _entries():
        if entry.get("MODE", "refuse") not in {mode.value for mode in Mode}:
            yield f"The budget {name!r} has the unknown MODE {entry['MODE']!r}."


@finding("E073", hint='Write addresses or networks ("203.0.113.7", "2001:db8::/32"), and complete phone numbers.')
def find_wrong_exemptions() -> Iterator[str]:
    """EXEMPT_CLIENTS has an invalid address or network, or EXEMPT_NUMBERS an invalid phone number."""
    for text in sound("EXEMPT_CLIENTS"):
        if not accepts(parse_network, text):
            yield f"{text!r} in IHUYI['EXEMPT_CLIENTS'] is neither an address nor a network."
    for place, text in enumerate(sound("EXEMPT_NUMBERS")):
        if not accepts(phones.parse, text):  # not printed: it may be a real number with a typing error
            yield f"IHUYI['EXEMPT_NUMBERS'][{place}] is not a phone number that messages can be sent to."


@finding("E074", hint='Write the first digits, such as "170" or "1440", or with the country code, such as "+4470".')
def find_wrong_prefixes() -> Iterator[str]:
    """DENIED_PREFIXES has an entry that no number begins with, or that excludes a whole country."""
    # +861 would be every mobile number of mainland China.
    for prefix in sound("DENIED_PREFIXES"):
        if not re.fullmatch(r"1[3-9][0-9]{0,8}|\+[1-9][0-9]{2,13}", prefix) or prefix == "+861":
            yield f"{prefix!r} in IHUYI['DENIED_PREFIXES'] is not the beginning of a range of numbers."


@finding("W031", hint=f'Add "{GUARD}" to GUARDS.', deploy=True)
def find_no_budgets() -> Iterator[str]:
    """GUARDS names no BudgetGuard: only the cache counts the messages that strangers cause."""
    if not has_guard(BudgetGuard):
        yield "IHUYI['GUARDS'] has no budget guard."


@finding("W032", hint='Set its MODE to "refuse" once its records show that it refuses the right requests.', deploy=True)
def find_budgets_that_only_record() -> Iterator[str]:
    """A budget records refusals but does not enforce them."""
    for name, entry in _entries():
        if entry.get("MODE") == Mode.RECORD.value:
            yield f"The budget {name!r} has the MODE 'record'."


def _entries() -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, entry in sound("BUDGETS").items():
        if name in Settings.BUDGETS:
            yield name, entry


def _keys(name: str) -> set[str]:
    if name == "conversion":
        return {"MODE", *_THRESHOLDS}
    return {"MODE", *_RATES} - _UNAVAILABLE.get(name, set())


def _complain_of_conversion(entry: Mapping[str, Any]) -> Iterator[str]:
    for key, (least, most) in _THRESHOLDS.items():
        if type(entry[key]) is not int or not least <= entry[key] <= most:
            yield f"The {key} of the budget 'conversion' must be a number from {least} to {most}."
            return
    if entry["MINIMUM"] > entry["WINDOW"]:
        yield "The MINIMUM of the budget 'conversion' is above its WINDOW, so the conversion breaker would never act."


def _are_rates(rates: object) -> bool:
    if not isinstance(rates, (list, tuple)):
        return False
    return all(isinstance(rate, str) and accepts(parse_rate, rate) for rate in rates)
