"""Transactions of the caller, calls after their commit, and the retry of an attempt that lost a race.

Optimistic locking: an attempt reads a row, decides, and writes on condition that the row has not changed. `retry`
repeats it a bounded number of times.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db import IntegrityError, OperationalError, transaction

T = TypeVar("T")

#: Most calls of one attempt. In each round one of the requests for a phone succeeds, and after a few of those a limit
#: refuses the rest.
ROUNDS = 20
#: Deadlocks and lock timeouts after which `retry` gives up: a third one is no accident.
CONFLICTS = 3
#: The codes of deadlocks and lock timeouts: SQLSTATE in PostgreSQL, error number in MariaDB.
_CONFLICTS = {"40001", "40P01", "55P03", 1205, 1213}

_chance = secrets.SystemRandom()


class StaleRow(Exception):
    """Another transaction changed the row first: read again, decide again."""


class Contended(Exception):
    """The row was stale in every round."""


@contextmanager
def stale_if_refused() -> Iterator[None]:
    """Raise StaleRow if a constraint refuses an insert: another transaction has inserted or deleted a row meanwhile."""
    try:
        yield
    except IntegrityError as error:
        raise StaleRow from error


def is_open(using: str) -> bool:
    """Return True if the caller has a transaction open, not counting the one that TestCase wraps each test in.

    `transaction.atomic(durable=True)` makes the same test.
    """
    blocks = transaction.get_connection(using).atomic_blocks
    return bool(blocks) and not blocks[-1]._from_testcase


def after_commit(call: Callable[[], object], *, using: str) -> None:
    """Call now, or if the caller has a transaction open, after its commit and never after a rollback."""

    def hook() -> None:  # not a partial: Django logs a hook that failed by its __qualname__
        call()

    if is_open(using):
        transaction.on_commit(hook, using=using, robust=True)
    else:
        hook()


def retry(attempt: Callable[[], T], *, using: str) -> T:
    """Return the result of `attempt`, called again while it raises StaleRow or meets a deadlock. Opens no transaction.

    Raise Contended after ROUNDS calls, and OperationalError at the third deadlock. Inside a transaction of the caller
    the first deadlock is raised, because the database has ended that transaction.
    """
    conflicts = 0
    for _ in range(ROUNDS):
        try:
            return attempt()
        except StaleRow:
            pass
        except OperationalError as error:
            conflicts += 1
            if is_open(using) or not _is_conflict(error) or conflicts == CONFLICTS:
                raise
        # A random pause: after equal ones the same attempts would collide again.
        time.sleep(_chance.uniform(0, 0.01))
    raise Contended


def _is_conflict(error: OperationalError) -> bool:
    return bool(_CONFLICTS & {getattr(error.__cause__, "sqlstate", None), *error.args[:1]})
