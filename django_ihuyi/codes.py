"""Derive codes from a seed and a key. The key is never in the database, so a code is stored nowhere."""

from __future__ import annotations

import hmac
import itertools
import secrets
from hashlib import sha256

from django.utils.encoding import force_bytes

from django_ihuyi.keys import live_keys

# A changed label makes every code that is under way wrong.
_LABEL = b"django_ihuyi.code.1"
_DIGEST_VALUES = 2**256


def new_seed() -> str:
    """Return 16 random bytes as 32 hexadecimal digits."""
    return secrets.token_hex(16)


def current_key_id() -> str:
    """Return the id of SECRET_KEY's key, so that a code stays valid when the key moves to SECRET_KEY_FALLBACKS."""
    return _key_id(live_keys(_LABEL)[0])


def derive(*, seed: str, key_id: str, verification_id: str, phone: str, purpose: str, length: int) -> str:
    """Return the code, `length` decimal digits; empty if its key was retired or its seed erased."""
    key = {_key_id(key): key for key in live_keys(_LABEL)}.get(key_id)
    if key is None or not seed:
        return ""
    # No field holds the separator, so no two lists of fields give the same text.
    bound = "\x1f".join((seed, verification_id, phone, purpose, str(length))).encode()
    return _to_digits(key, bound, length)


def matches(code: str, guess: str) -> bool:
    """Return True if the guess is the code, in constant time. An empty code matches nothing."""
    # Hashed, because compare_digest takes texts only if they are ASCII, and reveals their length.
    expected = sha256(force_bytes(code)).digest()
    return hmac.compare_digest(expected, sha256(force_bytes(guess, errors="replace")).digest()) and bool(code)


def _to_digits(key: bytes, bound: bytes, length: int) -> str:
    space = 10**length
    for counter in itertools.count():
        value = int.from_bytes(hmac.digest(key, b"%d\x1f%b" % (counter, bound), "sha256"), "big")
        # Values above the last whole multiple of `space` are drawn again: they would favour the low codes.
        if value < _DIGEST_VALUES - _DIGEST_VALUES % space:
            return f"{value % space:0{length}d}"
    raise AssertionError("unreachable: the counter has no end")


def _key_id(key: bytes) -> str:
    return hmac.digest(key, b"id", "sha256").hex()[:8]
