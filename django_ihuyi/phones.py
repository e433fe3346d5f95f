"""Phone numbers: parse what people type into one canonical form, show it masked."""

from __future__ import annotations

import re
import unicodedata

from django_ihuyi.exceptions import InvalidPhone

#: Longest text, in characters, that is looked at.
MAX_LENGTH = 32

# Mobile numbers of mainland China, with or without the country code. Our own rule, because libphonenumber refuses
# prefixes that Chinese carriers use and lets landlines through. [0-9], not \d, which takes digits of any script.
_MAINLAND = re.compile(r"(?:\+86|0086|86)?(1[3-9][0-9]{9})")
_SEPARATORS = str.maketrans("", "", " -")


def parse(text: object) -> str:
    """Return the canonical form (E.164, `+8613800138000`) of a number as people type it.

    Full-width characters are folded (Unicode NFKC), blanks and hyphens dropped. Raises InvalidPhone for all else.
    """
    if isinstance(text, str) and len(text) <= MAX_LENGTH:
        match = _MAINLAND.fullmatch(unicodedata.normalize("NFKC", text).translate(_SEPARATORS))
        if match:
            return f"+86{match[1]}"
    raise InvalidPhone("enter a mobile number of mainland China: 11 digits that begin with 13 to 19")


def national(phone: str) -> str:
    """Return what goes on the wire for a canonical number: `13800138000`."""
    return phone.removeprefix("+86")


def mask(phone: str) -> str:
    """Return the number as logs, admin and strangers may see it: `138****8000`."""
    number = national(phone)
    return f"{number[:3]}****{number[-4:]}"
