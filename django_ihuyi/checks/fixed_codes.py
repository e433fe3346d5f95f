"""Findings about TEST_NUMBERS. They show neither a complete number nor a code."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings as django_settings

from django_ihuyi.checks.findings import finding
from django_ihuyi.checks.names import sound
from django_ihuyi.conf import settings
from django_ihuyi.phones import fixed_codes, mask

#: A review takes days. An entry that is needed for longer has to be renewed twice a year.
LONGEST = timedelta(days=184)


@finding("E060", hint='Write {"+8613800138000": {"secret_code": "491827", "until": "2027-01-31", "name": "what for"}}.')
def find_wrong_test_numbers() -> Iterator[str]:
    """An entry of TEST_NUMBERS is invalid and has no effect, or repeats the number of another entry."""
    seen = set()
    for place, (number, entry) in enumerate(sound("TEST_NUMBERS").items()):
        try:
            phone = fixed_codes.read(number, entry).phone
        except ValueError as error:
            yield f"Entry {place} of IHUYI['TEST_NUMBERS'] has no effect: {error}."
            continue
        if phone in seen:
            yield f"Entry {place} of IHUYI['TEST_NUMBERS'] repeats the number of an earlier entry."
        seen.add(phone)


@finding("E061", hint='Add "name" and "until", or remove the entry: with DEBUG off it has no effect without them.')
def find_nameless_test_numbers() -> Iterator[str]:
    """DEBUG is off, and an entry of TEST_NUMBERS has no name or no end date."""
    for fixed in _read():
        if not (django_settings.DEBUG or fixed.is_named_and_dated):
            yield f"The test number {mask(fixed.phone)} needs a name and an end date."


@finding("W027", hint="Remove expired entries, and set `until` to at most half a year from now.", deploy=True)
def find_badly_dated_test_numbers() -> Iterator[str]:
    """An entry of TEST_NUMBERS has expired, or ends in more than half a year."""
    for fixed in _read():
        if fixed.is_over:
            yield f"The test number {mask(fixed.phone)} expired on {fixed.until}: real messages are sent to it."
        elif fixed.until and fixed.until > fixed_codes.today() + LONGEST:
            yield f"The test number {mask(fixed.phone)} is valid until {fixed.until}."


@finding("W028", hint="Use random digits: anyone who knows the number has five guesses at each code.", deploy=True)
def find_guessable_test_numbers() -> Iterator[str]:
    """The code of an entry of TEST_NUMBERS is easy to guess, such as 123456 or 000000."""
    for fixed in _read():
        # One step between all digits: 123456, 987654, 000000.
        steps = {(int(after) - int(before)) % 10 for before, after in zip(fixed.code, fixed.code[1:], strict=False)}
        if len(steps) == 1 or len(set(fixed.code)) < 3:
            yield f"The code of the test number {mask(fixed.phone)} is easy to guess."


def _read() -> list[fixed_codes.FixedCode]:
    # read_all() reads the setting itself, and must not meet a value of the wrong type.
    return fixed_codes.read_all() if sound("TEST_NUMBERS") == settings.TEST_NUMBERS else []
