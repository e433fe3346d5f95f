"""Two rows for one phone, and how they become one again with all that either of them remembers.

A number that was erased is found by its fingerprint. While its key is out of use nobody finds it, and a message makes a
new row; when the key comes back there are two.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django_ihuyi import phones
from django_ihuyi.models.recipients import Recipient

#: Moments of which the later one stands longer in the way.
_MOMENTS = ("wait_until", "full_until", "code_full_until", "opted_out_at")


def unite(rows: Iterable[Recipient], *, phone: str) -> Recipient:
    """Return the one row that judges `phone`, with the refusals of the others; a new one if there is none.

    Which one that is must not depend on the keys that a process happens to know, or two of them would judge apart: the
    row that holds the number, and where none does, the one under the newest key; both columns are unique.
    """
    known = phones.fingerprints(phone)
    found = sorted(
        {row.pk: row for row in rows}.values(),
        key=lambda row: (row.phone != phone, known.index(row.fingerprint) if row.fingerprint in known else len(known)),
    )
    if not found:
        return Recipient().identify(phone)
    recipient, *doubles = found
    for double in doubles:
        _take_over(recipient, double)
    recipient.doubles = doubles
    return recipient.identify(phone)


def _take_over(recipient: Recipient, double: Recipient) -> None:
    for name in _MOMENTS:
        moments = [moment for moment in (getattr(recipient, name), getattr(double, name)) if moment]
        setattr(recipient, name, max(moments, default=None))
    if double.suppressed_at and not recipient.suppressed_at:
        recipient.suppressed_at, recipient.suppressed_code = double.suppressed_at, double.suppressed_code
    for purpose, budget in double.guesses.items():
        own: dict[str, Any] = recipient.guesses.get(purpose, {})
        if budget["in_a_row"] > own.get("in_a_row", 0):
            recipient.guesses = {**recipient.guesses, purpose: budget}
