"""Test numbers: the phones of TEST_NUMBERS have a fixed code, and nothing is sent to them.

They are for app store reviewers and end-to-end tests, which cannot read a phone's messages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime

from django.conf import settings as django_settings
from django.utils import timezone

from django_ihuyi import phones
from django_ihuyi.conf import settings
from django_ihuyi.exceptions import InvalidPhone

#: The fault of a message to a test number, in the send log.
FAULT = "test_number"
#: The keys of an entry. The name "secret_code" makes Django's error reports hide the value of the setting.
KEYS = {"secret_code", "until", "name"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedCode:
    """A well-formed entry of TEST_NUMBERS, valid today or not."""

    #: The canonical number.
    phone: str = field(repr=False)
    code: str = field(repr=False)
    #: The last day on which it is valid, in the site's time zone. With DEBUG it may be left out.
    until: date | None
    name: str

    @property
    def is_named_and_dated(self) -> bool:
        """True if the entry has a name and a last day."""
        return bool(self.name and self.until)

    @property
    def is_over(self) -> bool:
        """True if its last day has passed."""
        return self.until is not None and self.until < today()


def find(phone: str) -> FixedCode | None:
    """Return the entry of a canonical phone in TEST_NUMBERS, or None if the phone is not a test number.

    Malformed and expired entries are ignored. With DEBUG off, so are entries without name or date.
    """
    return next((found for found in read_all() if found.phone == phone and holds(found)), None)


def holds(fixed: FixedCode) -> bool:
    """Return True if an entry is valid today."""
    return not fixed.is_over and (django_settings.DEBUG or fixed.is_named_and_dated)


def read_all() -> list[FixedCode]:
    """Return the well-formed entries; ihuyi.E060 reports the others."""
    # A list and not a generator, because an entry has a code: before Python 3.11 `sensitive_variables` of a caller does
    # not cover the variables of a generator.
    entries = []
    for number, entry in settings.TEST_NUMBERS.items():
        with suppress(ValueError):  # the check reports it, and requests for other phones must go on
            entries.append(read(number, entry))
    return entries


def read(number: str, entry: Mapping[str, str]) -> FixedCode:
    """Return a parsed entry. Raises ValueError with a text for operators, without the number and the code."""
    if unknown := sorted(set(entry) - KEYS):
        raise ValueError(f"it has {', '.join(map(repr, unknown))}, which means nothing")
    code = entry.get("secret_code", "")
    if not re.fullmatch(f"[0-9]{{{settings.CODE_LENGTH}}}", code):
        raise ValueError(f"its secret_code must have {settings.CODE_LENGTH} digits, as CODE_LENGTH says")
    try:
        phone = phones.parse(number)
    except InvalidPhone as error:
        raise ValueError("it is not a phone number that messages can be sent to") from error
    return FixedCode(phone=phone, code=code, until=_parse_day(entry.get("until", "")), name=entry.get("name", ""))


def today() -> date:
    """Return today's date in the site's time zone."""
    return datetime.now(timezone.get_default_timezone()).date()


def _parse_day(text: str) -> date | None:
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError("its until must be a day as in 2027-01-31")
    return date.fromisoformat(text)
