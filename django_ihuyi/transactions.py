"""Whether the caller has a transaction open, which what we send must not run ahead of."""

from __future__ import annotations

from django.db import transaction


def is_open(using: str) -> bool:
    """Say whether a transaction of the caller is open; the one that Django's TestCase wraps each test in is not one.

    It is the same question that `transaction.atomic(durable=True)` asks.
    """
    blocks = transaction.get_connection(using).atomic_blocks
    return bool(blocks) and not blocks[-1]._from_testcase
