"""Whether the caller has a transaction open, which what we send must not run ahead of."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction


def is_open(using: str) -> bool:
    """Say whether a transaction of the caller is open; the one that Django's TestCase wraps each test in is not one.

    It is the same question that `transaction.atomic(durable=True)` asks.
    """
    blocks = transaction.get_connection(using).atomic_blocks
    return bool(blocks) and not blocks[-1]._from_testcase


def after_commit(call: Callable[[], object], *, using: str) -> None:
    """Call at once, or where a transaction of the caller is open, after its commit and never after a rollback."""

    def run() -> None:  # no partial: Django names a hook that failed by its __qualname__
        call()

    if is_open(using):
        transaction.on_commit(run, using=using, robust=True)
    else:
        run()
