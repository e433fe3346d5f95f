"""Phone numbers: parse typed text into one canonical form, mask it, and fingerprint it.

- `numbers`: the canonical form, the platform's form, masks and fingerprints
- `spelling`: the fold of a number within other text
- `foreign`: numbers of other countries, by libphonenumber
- `fixed_codes`: test numbers, whose code is a setting
"""

from django_ihuyi.phones.numbers import (
    FINGERPRINT_LENGTH,
    MAX_LENGTH,
    fingerprint,
    fingerprints,
    is_denied,
    is_mainland,
    mask,
    parse,
    parse_wire,
    wire,
)

__all__ = [
    "FINGERPRINT_LENGTH",
    "MAX_LENGTH",
    "fingerprint",
    "fingerprints",
    "is_denied",
    "is_mainland",
    "mask",
    "parse",
    "parse_wire",
    "wire",
]
