"""Findings about what strangers may make a site spend: budgets, who is exempt from them, and segments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from django_ihuyi import phones
from django_ihuyi.checks.findings import finding
from django_ihuyi.checks.names import sound
from django_ihuyi.client_addresses import parse_network
from django_ihuyi.conf import Settings, settings
from django_ihuyi.exceptions import InvalidPhone
from django_ihuyi.guards.budgets import BudgetGuard
from django_ihuyi.guards.budgets.rules import Mode
from django_ihuyi.rates import parse_rate

GUARD = "django_ihuyi.guards.budgets.BudgetGuard"
#: What a budget does not count.
_SENSELESS = {"global": {"NUMBERS"}, "unverified": {"NUMBERS"}}
#: From and to what each figure of the conversion breaker makes sense.
_THRESHOLDS = {
    "WINDOW": (10, 1000),
    "MINIMUM": (10, 1000),
    "PERCENT": (1, 90),
    "PATIENCE": (10, 600),
    "REST": (60, 86_400),
}


def are_readable() -> bool:
    """Say whether BUDGETS can be gone by; the findings below tell why not."""
    if sound("BUDGETS") != settings.BUDGETS:
        return False
    return not any(any(find()) for find in (find_unknown_budgets, find_wrong_limits, find_unknown_modes))


@finding("E070", hint="The reference of settings lists the budgets, and what each may hold.")
def find_unknown_budgets() -> Iterator[str]:
    """BUDGETS has a budget, or a budget has a key, that means nothing."""
    for name, entry in sound("BUDGETS").items():
        if name not in Settings.BUDGETS:
            yield f"IHUYI['BUDGETS'] has no budget {name!r}."
            continue
        for key in sorted(set(entry) - _keys(name)):
            yield f"The budget {name!r} has {key!r}, which means nothing."


@finding("E071", hint='Write a list of count/period ("10/h", "10/10m"); the reference has the bounds of each figure.')
def find_wrong_limits() -> Iterator[str]:
    """The LIMITS or NUMBERS of a budget are no list of rates, or a figure of the conversion breaker makes no sense."""
    for name, entry in _entries():
        for key in sorted({"LIMITS", "NUMBERS"} & set(entry)):
            if not isinstance(entry[key], (list, tuple)) or not all(map(_is_rate, entry[key])):
                yield f"The {key} of the budget {name!r} are no list of rates."
    yield from _complain_of_conversion(sound("BUDGETS")["conversion"])


@finding("E072", hint='Write "refuse", "captcha", "record" or "off".')
def find_unknown_modes() -> Iterator[str]:
    """The MODE of a budget is none."""
    for name, entry in _entries():
        if entry.get("MODE", "refuse") not in {mode.value for mode in Mode}:
            yield f"The budget {name!r} has the MODE {entry['MODE']!r}."


@finding("E073", hint='Write addresses or networks ("203.0.113.7", "2001:db8::/32"), and whole numbers.')
def find_wrong_exemptions() -> Iterator[str]:
    """EXEMPT_CLIENTS holds something that is no address or network, or EXEMPT_NUMBERS what is no number."""
    for text in sound("EXEMPT_CLIENTS"):
        if not _is_network(text):
            yield f"{text!r} in IHUYI['EXEMPT_CLIENTS'] is no address and no network."
    for place, text in enumerate(sound("EXEMPT_NUMBERS")):
        if not _is_phone(text):  # not shown: it may be one, with a slip of the pen
            yield f"IHUYI['EXEMPT_NUMBERS'][{place}] is no number that is sent to."


@finding("E074", hint='Write the first digits, "170" or "1440", or with the country\'s code, "+4470".')
def find_wrong_prefixes() -> Iterator[str]:
    """DENIED_PREFIXES holds something that no number begins with, or that shuts out a whole country."""
    for prefix in sound("DENIED_PREFIXES"):
        if not re.fullmatch(r"1[3-9][0-9]{0,8}|\+[1-9][0-9]{2,13}", prefix) or prefix == "+861":
            yield f"{prefix!r} in IHUYI['DENIED_PREFIXES'] is not how numbers of a segment begin."


@finding("W031", hint=f'Add "{GUARD}" to GUARDS.', deploy=True)
def find_no_budgets() -> Iterator[str]:
    """GUARDS names no BudgetGuard: what strangers may make the site spend is counted in the cache only."""
    if not _keeps_budgets():
        yield "Nothing in IHUYI['GUARDS'] keeps budgets."


@finding("W032", hint='Set its MODE to "refuse" when you have seen what it would refuse.', deploy=True)
def find_budgets_that_only_record() -> Iterator[str]:
    """A budget only records what it would refuse."""
    for name, entry in _entries():
        if entry.get("MODE") == Mode.RECORD.value:
            yield f"The budget {name!r} only records."


def _entries() -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, entry in sound("BUDGETS").items():
        if name in Settings.BUDGETS:
            yield name, entry


def _keys(name: str) -> set[str]:
    return (
        {"MODE", *_THRESHOLDS} if name == "conversion" else {"MODE", "LIMITS", "NUMBERS"} - _SENSELESS.get(name, set())
    )


def _complain_of_conversion(entry: Mapping[str, Any]) -> Iterator[str]:
    for key, (least, most) in _THRESHOLDS.items():
        if type(entry[key]) is not int or not least <= entry[key] <= most:
            yield f"The {key} of the budget 'conversion' must be a number from {least} to {most}."
            return
    if entry["MINIMUM"] > entry["WINDOW"]:
        yield "The MINIMUM of the budget 'conversion' is above its WINDOW, so it would never look."


def _keeps_budgets() -> bool:
    for path in sound("GUARDS"):
        try:
            guard = import_string(path)
        except ImportError:
            continue
        if isinstance(guard, type) and issubclass(guard, BudgetGuard):
            return True
    return False


def _is_rate(text: object) -> bool:
    try:
        return isinstance(text, str) and bool(parse_rate(text))
    except ImproperlyConfigured:
        return False


def _is_network(text: str) -> bool:
    try:
        return bool(parse_network(text))
    except ValueError:
        return False


def _is_phone(text: str) -> bool:
    try:
        return bool(phones.parse(text))
    except InvalidPhone:
        return False
