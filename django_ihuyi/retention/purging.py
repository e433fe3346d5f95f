"""Erase what is due: in small transactions, each of which leaves a state that is right, with a pause after each."""

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

#: Rows of the largest transaction, and of the first one of each step.
BATCH_SIZE, FIRST = 5000, 100
#: Seconds that a transaction should take: one that took more is followed by a smaller one. The longest may take 0.2;
#: now and then one takes four times as long as the one before, with as many rows.
AIM = 0.05
#: How often a step goes over its rows, as long as it had to leave some that were in use.
PASSES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One transaction of a purge."""

    step: Step
    #: Rows that were due, and those of them that were erased: the others are in use.
    due: int
    rows: int
    seconds: float


def purge(*, batch_size: int = BATCH_SIZE, pause: float = 0.0, using: str | None = None) -> Iterator[Batch]:
    """Erase what RETENTION no longer keeps, and yield each batch; nothing happens before the first is asked for.

    What is left to do is what the tables say: a purge that was stopped, or killed, is completed by the next one, and
    any number of them may run beside each other. None waits for a recipient that a send, or another purge, is at work
    on; what is still in use at the end is taken by the next run.
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
    """Return how many rows the next transaction should have, after one of `size` rows took so long."""
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
        # Not from the beginning again: what was erased there is still in the way of the index until it is vacuumed.
        passed = "gte" if rows else "gt"
        due = step.due(using=using).filter(**{f"{step.since}__{passed}": picked[-1][2]})


@sensitive_variables()
def _erase(step: Step, rows: Owned, *, using: str) -> int:
    with transaction.atomic(using=using):
        return step.erase(step.model, rows, using=using)
