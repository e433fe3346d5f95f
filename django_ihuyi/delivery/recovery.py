"""Recovery: end the messages that a dead worker, a lost task or a stopped queue left behind."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from django.db import Error, router
from django.db.transaction import TransactionManagementError
from django.views.decorators.debug import sensitive_variables

from django_ihuyi.database import transactions
from django_ihuyi.delivery import receipts
from django_ihuyi.delivery.outcomes import give_up, withdraw
from django_ihuyi.logs import get_logger
from django_ihuyi.models import Message, State, Verification

logger = get_logger("django_ihuyi.recovery")

#: Rows of one query.
BATCH = 500
#: Verifications that expired earlier are left to the purge.
SEEDS_SINCE = timedelta(days=2)
#: A worker recovers after its first task, then after the first task that ends at least this much later.
INTERVAL = timedelta(seconds=60)

_lock = threading.Lock()
#: {alias of a database: the time of its next recovery in this process, by `time.monotonic`}
_due: dict[str, float] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """The number of rows that a run changed; rows that another process changed first do not count."""

    #: Messages whose worker died during the call; they may have arrived.
    unknown: int = 0
    #: Messages that were too old for their queue.
    unsent: int = 0
    #: Messages that were moved by a receipt that had come before the message was known.
    settled: int = 0
    #: Expired verifications whose seed was blanked.
    ended: int = 0


@sensitive_variables()
def recover(*, using: str | None = None) -> Recovered:
    """End all messages that were left behind. Harmless at any time, in parallel, and if it is killed.

    Each row is changed by a statement of its own, and the process whose statement succeeds sends the signals. Raises
    TransactionManagementError inside a transaction of the caller: at some isolation levels it would not see the changes
    of other processes.
    """
    database = using or router.db_for_write(Message)
    if transactions.is_open(database):
        raise TransactionManagementError("recover changes row by row: call it outside of atomic()")
    ends: Counter[str] = Counter()
    while left := _read_left(database):
        ends.update(_end_all(left, using=database))
    return Recovered(
        unknown=ends[State.UNKNOWN],
        unsent=ends[State.UNSENT],
        settled=receipts.settle_unmatched(using=database),
        ended=_end_expired(database),
    )


def recover_when_due(*, using: str) -> None:
    """Recover one batch if none was recovered for INTERVAL; log a database error. A worker calls this after a task."""
    now = time.monotonic()
    with _lock:  # of the threads of a worker, one recovers
        if now < _due.get(using, now):
            return
        _due[using] = now + INTERVAL.total_seconds()
    try:
        _end_all(_read_left(using), using=using)
        receipts.settle_newest_unmatched(using=using)
    except (Error, transactions.Contended) as error:
        # The class only: the text of a database error may quote a row, and so a number.
        words = "recovery fails with %s, and is tried again in %d seconds"
        logger.error(words, type(error).__name__, INTERVAL.total_seconds())


def _read_left(using: str) -> list[Message]:
    left = Message.objects.using(using).left_behind().order_by("created_at")
    return list(left.select_related("recipient", "verification__recipient")[:BATCH])


def _end_all(left: list[Message], *, using: str) -> list[str]:
    """End each message; return the states of those that this process ended."""
    ended = []
    for message in left:
        before = message.state
        end = partial(withdraw, fault="too_old") if before == State.QUEUED else give_up
        transactions.retry(partial(end, message, using=using), using=using)
        if message.state != before:
            ended.append(message.state)
    return ended


def _end_expired(using: str) -> int:
    """Blank seeds in batches, because one statement for all would lock many rows."""
    verifications = Verification.objects.using(using)
    ended = 0
    while expired := list(verifications.expired_with_seed(since=SEEDS_SINCE).values_list("pk", flat=True)[:BATCH]):
        ended += verifications.filter(pk__in=expired).end_expired()
    return ended
