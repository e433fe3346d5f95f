"""Erase due rows in small transactions with pauses. Each transaction leaves a consistent state."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from django.db import router, transaction
from django.views.decorators.debug import sensitive_variables

from django_ihuyi.database import transactions
from django_ihuyi.models import Message
from django_ihuyi.retention.erasing import Owned
from django_ihuyi.retention.steps import STEPS, Step

#: Maximum rows of a transaction, and rows of the first transaction of each step.
BATCH_SIZE, FIRST = 5000, 100
#: Target duration of a transaction in seconds: after a longer one, the next is smaller. The longest may take 0.2
#: seconds, and a transaction sometimes takes four times as long as the one before, with the same number of rows.
AIM = 0.05
#: Maximum passes of a step over its rows: a further pass is needed if some rows were locked.
PASSES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One transaction of a purge."""

    step: Step
    #: Rows that were due, and rows that were erased. The others were locked.
    due: int
    rows: int
    seconds: float


def purge(*, batch_size: int = BATCH_SIZE, pause: float = 0.0, using: str | None = None) -> Iterator[Batch]:
    """Erase rows whose RETENTION period has ended, and yield each batch. Nothing happens before the first iteration.

    The tables hold the only state, so the next purge completes one that was killed, and purges may run in parallel.
    A purge never waits for a recipient that a send or another purge has locked; the next run erases its rows.
    """
    database = using or router.db_for_write(Message)
    for step in STEPS:
        for _ in range(PASSES):
            left = 0
            for batch in _run(step, batch_size=batch_size, using=database):
                left += batch.due - batch.rows
                yield batch
                time.sleep(pause)
            if not left:
                break


def resize(size: int, *, seconds: float, most: int) -> int:
    """Return the number of rows of the next transaction, after one of `size` rows took `seconds`."""
    if seconds > AIM:
        return max(1, size // 2)
    return min(most, size * 2) if seconds < AIM / 2 else size


def _run(step: Step, *, batch_size: int, using: str) -> Iterator[Batch]:
    due, size = step.due(using=using), min(FIRST, batch_size)
    while picked := list(due.values_list("pk", step.owner, step.since)[:size]):
        started = time.monotonic()
        owned = {key: owner for key, owner, _ in picked}
        rows = transactions.retry(partial(_erase, step, owned, using=using), using=using)
        seconds = time.monotonic() - started
        yield Batch(step=step, due=len(picked), rows=rows, seconds=seconds)
        size = resize(size, seconds=seconds, most=batch_size)
        # Continue behind the last row: PostgreSQL would scan the dead index entries of erased rows until a vacuum.
        # Other rows may have the time of the last one. If no row was erased, all were locked: skip their time, too.
        passed = "gte" if rows else "gt"
        due = step.due(using=using).filter(**{f"{step.since}__{passed}": picked[-1][2]})


@sensitive_variables()
def _erase(step: Step, rows: Owned, *, using: str) -> int:
    with transaction.atomic(using=using):
        return step.erase(step.model, rows, using=using)
