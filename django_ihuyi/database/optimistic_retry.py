"""Optimistic locking: decide on a row as it was read, write on condition, and run again a bounded number of times."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError

from django_ihuyi.database import transactions

T = TypeVar("T")

#: Of those who race for one phone somebody wins each round, and the winner's row soon decides for the others.
ROUNDS = 20
#: Deadlocks and lock waits are the database's to break; a third one means trouble that a retry does not mend.
CONFLICTS = 3
#: How PostgreSQL (SQLSTATE) and MariaDB (error number) call them.
_CONFLICTS = {"40001", "40P01", "55P03", 1205, 1213}

_chance = secrets.SystemRandom()


class StaleRow(Exception):
    """Another transaction changed the row first: read again, decide again."""


class Contended(Exception):
    """The row was stale in every round."""


def run(attempt: Callable[[], T], *, using: str) -> T:
    """Return what `attempt` returns, running it again while it raises StaleRow or meets a deadlock.

    Raises Contended when rounds or tries are used up. Inside a transaction of the caller a deadlock has ended that
    transaction, so it is raised as it is.
    """
    conflicts = 0
    for _ in range(ROUNDS):
        try:
            return attempt()
        except StaleRow:
            pass
        except OperationalError as error:
            conflicts += 1
            if transactions.is_open(using) or not _is_conflict(error) or conflicts == CONFLICTS:
                raise
        time.sleep(_chance.uniform(0, 0.01))
    raise Contended


def _is_conflict(error: OperationalError) -> bool:
    return bool(_CONFLICTS & {getattr(error.__cause__, "sqlstate", None), *error.args[:1]})
