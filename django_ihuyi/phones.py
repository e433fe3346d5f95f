"""Phone numbers: parse what people type into one canonical form, show it masked."""

from __future__ import annotations

import re
import unicodedata

from django_ihuyi import foreign_phones
from django_ihuyi.conf import settings
from django_ihuyi.exceptions import InvalidPhone

#: Longest text, in characters, that is looked at.
MAX_LENGTH = 32

# Mobile numbers of mainland China, with or without the country code. Our own rule, because libphonenumber refuses
# prefixes that Chinese carriers use and lets landlines through. [0-9], not \d, which takes digits of any script.
_MAINLAND = re.compile(r"(?:\+86|0086|86)?(1[3-9][0-9]{9})")
# Any other number in the international form; 00 is how most of the world dials the plus.
_FOREIGN = re.compile(r"(?:\+|00)(?!86)([1-9][0-9]{6,14})")
_SEPARATORS = str.maketrans("", "", " -")


def parse(text: object) -> str:
    """Return the canonical form (E.164, `+8613800138000`) of a number as people type it.

    Full-width characters are folded (Unicode NFKC), blanks and hyphens dropped. Foreign numbers need their country
    code, the extra `international`, and their region in INTERNATIONAL_REGIONS. Raises InvalidPhone for all else.
    """
    if isinstance(text, str) and len(text) <= MAX_LENGTH:
        number = unicodedata.normalize("NFKC", text).translate(_SEPARATORS)
        if match := _MAINLAND.fullmatch(number):
            return f"+86{match[1]}"
        if settings.INTERNATIONAL_REGIONS and (match := _FOREIGN.fullmatch(number)):
            return _parse_foreign(match[1])
    raise InvalidPhone("enter a mobile number of mainland China: 11 digits that begin with 13 to 19")


def is_mainland(phone: str) -> bool:
    """Say whether a canonical number is one of mainland China."""
    return phone.startswith("+86")


def wire(phone: str) -> str:
    """Return what goes on the wire for a canonical number: `13800138000`, or `44 7400123456`."""
    return phone.removeprefix("+86") if is_mainland(phone) else " ".join(foreign_phones.split(phone))


def mask(phone: str) -> str:
    """Return the number as logs, admin and strangers may see it: `138****8000`, `+44****3456`."""
    shown = phone.removeprefix("+86")
    return f"{shown[:3]}****{shown[-4:]}"


def _parse_foreign(digits: str) -> str:
    phone = foreign_phones.parse(f"+{digits}", regions=settings.INTERNATIONAL_REGIONS)
    if phone is None:
        raise InvalidPhone("enter a mobile number of a country that messages may be sent to")
    return phone
