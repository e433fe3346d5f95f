"""Test numbers: phones of TEST_NUMBERS, whose code is fixed and to which nothing is ever sent.

For the reviewers of an app store, and for tests from end to end: neither can read what a phone gets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from django.conf import settings as django_settings
from django.utils import timezone

from django_ihuyi import phones
from django_ihuyi.conf import settings
from django_ihuyi.exceptions import InvalidPhone

#: What the send log shows as fault of a message to a test number.
FAULT = "test_number"
#: What an entry may say. "secret_code" and not "code": by such a name Django's error reports hide a setting's value.
KEYS = {"secret_code", "until", "name"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedCode:
    """An entry of TEST_NUMBERS that is well formed, whether or not it holds today."""

    #: The canonical number.
    phone: str = field(repr=False)
    code: str = field(repr=False)
    #: The last day on which it holds, in the site's time zone; with DEBUG it may be left out.
    until: date | None
    name: str

    @property
    def is_named_and_dated(self) -> bool:
        """Say whether it is known whose it is, and when it ends."""
        return bool(self.name and self.until)

    @property
    def is_over(self) -> bool:
        """Say whether its last day has passed."""
        return self.until is not None and self.until < today()


def find(phone: str) -> FixedCode | None:
    """Return what TEST_NUMBERS says of a canonical phone, None where it is a number like any other.

    An entry that is malformed, over, or without name or date although DEBUG is off makes no test number.
    """
    return next((found for found in read_all() if found.phone == phone and holds(found)), None)


def holds(fixed: FixedCode) -> bool:
    """Say whether an entry makes a test number today."""
    return not fixed.is_over and (django_settings.DEBUG or fixed.is_named_and_dated)


def read_all() -> list[FixedCode]:
    """Return the entries that are well formed; ihuyi.E060 tells of the others."""
    # A list, no generator: before Python 3.11 a mark of Django's reports ends at one, and an entry has its code.
    read_ones = [_try_to_read(number, entry) for number, entry in settings.TEST_NUMBERS.items()]
    return [fixed for fixed in read_ones if fixed is not None]


def read(number: str, entry: Mapping[str, str]) -> FixedCode:
    """Return an entry. Raises ValueError that says what is wrong with it, with neither number nor code."""
    if unknown := sorted(set(entry) - KEYS):
        raise ValueError(f"it has {', '.join(map(repr, unknown))}, which means nothing")
    code = entry.get("secret_code", "")
    if not re.fullmatch(f"[0-9]{{{settings.CODE_LENGTH}}}", code):
        raise ValueError(f"its secret_code must have {settings.CODE_LENGTH} digits, as CODE_LENGTH says")
    try:
        phone = phones.parse(number)
    except InvalidPhone as error:
        raise ValueError("it is no number that is sent to") from error
    return FixedCode(phone=phone, code=code, until=_parse_day(entry.get("until", "")), name=entry.get("name", ""))


def today() -> date:
    """Return the day that it is in the site's time zone."""
    return datetime.now(timezone.get_default_timezone()).date()


def _try_to_read(number: str, entry: Mapping[str, str]) -> FixedCode | None:
    try:
        return read(number, entry)
    except ValueError:  # a request cannot help it
        return None


def _parse_day(text: str) -> date | None:
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError("its until must be a day as in 2027-01-31")
    return date.fromisoformat(text)
