"""Phone numbers: parse typed text into one canonical form, mask it, and fingerprint it."""

from __future__ import annotations

import hmac
import re
import unicodedata

from django_ihuyi.conf import settings
from django_ihuyi.exceptions import InvalidPhone
from django_ihuyi.keys import live_keys
from django_ihuyi.phones import foreign

#: Longest text, in characters, that is read as a number.
MAX_LENGTH = 32

# Mobile numbers of mainland China, with or without the country code. Our own rule, because libphonenumber refuses
# prefixes that Chinese carriers use and lets landlines through. [0-9], not \d, which takes digits of any script.
_MAINLAND = re.compile(r"(?:\+86|0086|86)?(1[3-9][0-9]{9})")
# Any other number in the international form; 00 is how most of the world dials the plus.
_FOREIGN = re.compile(r"(?:\+|00)(?!86)([1-9][0-9]{6,14})")
# As `wire` writes them; the sign and zeros of the country code are forgiven.
_MAINLAND_WIRE = re.compile(r"(?:(?:\+|00)?86 ?)?(1[3-9][0-9]{9})")
_FOREIGN_WIRE = re.compile(r"(?:\+|00)?(?!86)([1-9][0-9]{0,2}) ?([0-9]{4,12})")

_LABEL = b"django_ihuyi.phone.1"
#: Hexadecimal digits of a fingerprint: 128 bits of HMAC-SHA256.
FINGERPRINT_LENGTH = 32


def parse(text: object) -> str:
    """Return the canonical form (E.164, `+8613800138000`) of a number as people type it.

    Full-width characters are folded (Unicode NFKC), blanks and hyphens dropped. Foreign numbers need their country
    code, the extra `international`, and their region in INTERNATIONAL_REGIONS. Raises InvalidPhone for any other text.
    """
    if isinstance(text, str) and len(text) <= MAX_LENGTH:
        number = fold(text).replace(" ", "")
        if match := _MAINLAND.fullmatch(number):
            return f"+86{match[1]}"
        if settings.INTERNATIONAL_REGIONS and (match := _FOREIGN.fullmatch(number)):
            return _parse_foreign(match[1])
    raise InvalidPhone("enter a mobile number of mainland China: 11 digits that begin with 13 to 19")


def fold(text: str) -> str:
    """Return the text with digits and plus signs as ASCII (Unicode NFKC), and a blank for each separator.

    `masking` uses it, too, so that a spelling which becomes acceptable by a change here is also masked. For its sake
    each character is folded by itself, and ASCII text keeps its length: a character without meaning becomes a blank.
    """
    return unicodedata.normalize("NFKC", text).replace("-", " ")


def is_mainland(phone: str) -> bool:
    """Return True if a canonical number belongs to mainland China."""
    return phone.startswith("+86")


def is_denied(phone: str) -> bool:
    """Return True if DENIED_PREFIXES has the segment (号段) of a canonical number."""
    starts = (prefix if prefix.startswith("+") else f"+86{prefix}" for prefix in settings.DENIED_PREFIXES)
    return any(phone.startswith(start) for start in starts)


def wire(phone: str) -> str:
    """Return a canonical number in the platform's form: `13800138000`, or `44 7400123456`."""
    return phone.removeprefix("+86") if is_mainland(phone) else " ".join(foreign.split(phone))


def parse_wire(text: str) -> str:
    """Return the canonical form of a number that the platform wrote, in the form of `wire` or with its country code.

    It also reads numbers that `parse` refuses to send to. Raises InvalidPhone for any other text.
    """
    if match := _MAINLAND_WIRE.fullmatch(text):
        return f"+86{match[1]}"
    # Only the blank distinguishes +1 3800138000 from 13800138000.
    if match := _FOREIGN_WIRE.fullmatch(text):
        return f"+{match[1]}{match[2]}"
    raise InvalidPhone("the platform wrote a text that is not a phone number")


def mask(phone: str) -> str:
    """Return the number masked, for logs, the admin and strangers: `138****8000`, `+44****3456`."""
    shown = phone.removeprefix("+86")
    return f"{shown[:3]}****{shown[-4:]}"


def fingerprint(phone: str) -> str:
    """Return the HMAC, keyed with SECRET_KEY, by which a canonical number is found after it was erased."""
    return _fingerprint(phone, live_keys(_LABEL)[0])


def fingerprints(phone: str) -> list[str]:
    """Return the fingerprints of a canonical number under all live keys, the current key first."""
    return [_fingerprint(phone, key) for key in live_keys(_LABEL)]


def _fingerprint(phone: str, key: bytes) -> str:
    return hmac.digest(key, phone.encode(), "sha256").hex()[:FINGERPRINT_LENGTH]


def _parse_foreign(digits: str) -> str:
    phone = foreign.parse(f"+{digits}", regions=settings.INTERNATIONAL_REGIONS)
    if phone is None:
        raise InvalidPhone("enter a mobile number of a country that messages may be sent to")
    return phone
