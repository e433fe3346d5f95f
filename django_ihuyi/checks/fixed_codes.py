"""Findings about TEST_NUMBERS; neither a whole number nor a code is shown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings as django_settings

from django_ihuyi.checks.findings import finding
from django_ihuyi.checks.names import sound
from django_ihuyi.conf import settings
from django_ihuyi.phones import fixed_codes, mask

#: A review takes days; whoever needs a number for longer looks at it now and then.
LONGEST = timedelta(days=184)


@finding("E060", hint='Write {"+8613800138000": {"secret_code": "491827", "until": "2027-01-31", "name": "what for"}}.')
def find_wrong_test_numbers() -> Iterator[str]:
    """An entry of TEST_NUMBERS cannot be read, or is a second one of the same number: the number is one like any."""
    seen = set()
    for place, (number, entry) in enumerate(sound("TEST_NUMBERS").items()):
        try:
            phone = fixed_codes.read(number, entry).phone
        except ValueError as error:
            yield f"Entry {place} of IHUYI['TEST_NUMBERS'] holds nothing: {error}."
            continue
        if phone in seen:
            yield f"Entry {place} of IHUYI['TEST_NUMBERS'] is of a number that an earlier one is of."
        seen.add(phone)


@finding("E061", hint='Give it a "name" and an "until"; or take it out: with DEBUG off it does not hold without.')
def find_nameless_test_numbers() -> Iterator[str]:
    """DEBUG is off, and an entry of TEST_NUMBERS does not say what it is for, or when it ends."""
    for fixed in _read():
        if not (django_settings.DEBUG or fixed.is_named_and_dated):
            yield f"The test number {mask(fixed.phone)} needs a name and an end."


@finding("W027", hint="Take out what is over, and let no entry hold for more than half a year.", deploy=True)
def find_badly_dated_test_numbers() -> Iterator[str]:
    """An entry of TEST_NUMBERS is over, or ends only in more than half a year."""
    for fixed in _read():
        if fixed.is_over:
            yield f"The test number {mask(fixed.phone)} ended on {fixed.until}: it is a number like any other."
        elif fixed.until and fixed.until > fixed_codes.today() + LONGEST:
            yield f"The test number {mask(fixed.phone)} holds until {fixed.until}."


@finding("W028", hint="Take digits at random: whoever knows the number has five guesses at each code.", deploy=True)
def find_guessable_test_numbers() -> Iterator[str]:
    """The code of an entry of TEST_NUMBERS is one that is tried first, such as 123456 or 000000."""
    for fixed in _read():
        steps = {(int(after) - int(before)) % 10 for before, after in zip(fixed.code, fixed.code[1:], strict=False)}
        if len(steps) == 1 or len(set(fixed.code)) < 3:
            yield f"The code of the test number {mask(fixed.phone)} is easily guessed."


def _read() -> list[fixed_codes.FixedCode]:
    return fixed_codes.read_all() if sound("TEST_NUMBERS") == settings.TEST_NUMBERS else []
