"""Device marks: signed texts that a client gets with a right code, and sends with later requests for the same phone.

A mark authenticates nobody. The guards ask a marked client for fewer captchas, and its guesses have a budget of their
own, so that a stranger who knows a number cannot lock its holder out. A mark holds an id (10 bytes), the time of the
right guess (8), the phone's fingerprint (16) and an HMAC-SHA256 over these (32), in URL-safe base64.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import Any

from django.views.decorators.debug import sensitive_variables

from django_ihuyi import phones
from django_ihuyi.keys import live_keys
from django_ihuyi.models import Recipient, Verification

#: How long after the right guess a mark counts.
LIFETIME = timedelta(days=90)
#: Wrong guesses with a mark after which it no longer counts.
FAILURES = 10
#: A text may hold several marks, with this between them; so many are read.
SEPARATOR, MOST_READ = ".", 6
#: The marks with failures that a row keeps, those that end last. Each takes a right code, so honest clients have few.
MOST_KEPT = 100

_LABEL, _ID_LABEL = b"django_ihuyi.device.1", b"django_ihuyi.device_id.1"
_ID, _TIME, _FINGERPRINT = slice(10), slice(10, 18), slice(18, 34)
_SIGNED, _MAC = slice(34), slice(34, 66)
_TOKEN = re.compile(r"(?<![^.])[A-Za-z0-9_-]{88}(?![^.])")
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=timezone.utc), timedelta(microseconds=1)
#: After a failover the new database server's clock may be behind.
_SKEW = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A mark whose signature is right."""

    text: str = field(repr=False)
    id: str
    issued_at: datetime
    fingerprint: str = field(repr=False)

    @property
    def ends_at(self) -> datetime:
        return self.issued_at + LIFETIME

    def counts(self, rows: Iterable[Recipient], now: datetime) -> bool:
        """Return True if the mark has not ended, by its own time and by each row of its phone."""
        is_current = now < self.ends_at and self.issued_at <= now + _SKEW
        return is_current and all(self._is_allowed_by(row) for row in rows)

    def _is_allowed_by(self, row: Recipient) -> bool:
        if row.marks_from and self.issued_at < row.marks_from:
            return False
        return bool(row.mark_failures.get(self.id, {}).get("count", 0) < FAILURES)


@sensitive_variables()
def make(verification: Verification, *, issued_at: datetime) -> str:
    """Return the mark for a right guess at `issued_at`, 88 characters, the same at each call.

    Its id is derived from that of the verification, so nothing has to be stored for a lost answer to be repeated.
    """
    mark_id = hmac.digest(live_keys(_ID_LABEL)[0], verification.pk.encode(), "sha256")[_ID]
    microseconds = (issued_at - _EPOCH) // _MICROSECOND
    signed = mark_id + microseconds.to_bytes(8, "big") + bytes.fromhex(phones.fingerprint(verification.phone))
    return base64.urlsafe_b64encode(signed + _sign(signed, live_keys(_LABEL)[0])).decode()


@sensitive_variables()
def read(device: object) -> list[Mark]:
    """Return the marks in a text that were made here, of any phone and age. Ignore everything else; raise nothing."""
    if not isinstance(device, str):
        return []
    tokens = (token[0] for token in islice(_TOKEN.finditer(device), MOST_READ))
    return [mark for mark in map(_read_one, tokens) if mark]


@sensitive_variables()
def read_of(phone: str, device: object) -> list[Mark]:
    """Return the marks in a text that were made here for a canonical number."""
    found = read(device)
    known = phones.fingerprints(phone) if found else []
    return [mark for mark in found if mark.fingerprint in known]


def add_failure(failures: Mapping[str, Any], mark: Mark) -> dict[str, Any]:
    """Return `Recipient.mark_failures` with one more wrong guess of a mark."""
    count = failures.get(mark.id, {}).get("count", 0) + 1
    return {**failures, mark.id: {"count": count, "until": mark.ends_at.timestamp()}}


def to_column(*, guesses: Mapping[str, Any], failures: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return the value of `Recipient.marks`, without the failures of marks that have ended."""
    current = {mark_id: failed for mark_id, failed in failures.items() if failed["until"] > now.timestamp()}
    kept = sorted(current, key=lambda mark_id: current[mark_id]["until"])[-MOST_KEPT:]
    parts = {"guesses": dict(guesses), "failures": {mark_id: current[mark_id] for mark_id in kept}}
    return {name: part for name, part in parts.items() if part}


def _read_one(token: str) -> Mark | None:
    decoded = base64.urlsafe_b64decode(token)
    if not any(hmac.compare_digest(decoded[_MAC], _sign(decoded[_SIGNED], key)) for key in live_keys(_LABEL)):
        return None
    return Mark(
        text=token,
        id=decoded[_ID].hex(),
        issued_at=_EPOCH + int.from_bytes(decoded[_TIME], "big") * _MICROSECOND,
        fingerprint=decoded[_FINGERPRINT].hex(),
    )


def _sign(signed: bytes, key: bytes) -> bytes:
    return hmac.digest(key, signed, "sha256")
