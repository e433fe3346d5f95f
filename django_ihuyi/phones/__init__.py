"""Phone numbers: parse what people type into one canonical form, show it masked, find it by its fingerprint.

- `numbers`: the canonical form, the wire's form, masks and fingerprints
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
