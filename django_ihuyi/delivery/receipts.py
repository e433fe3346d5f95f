"""Receipts and replies that the platform pushes: each takes effect once, in any order and however often it comes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime

from django.db import router
from django.views.decorators.debug import sensitive_variables

from django_ihuyi import phones, signals
from django_ihuyi.database import transactions
from django_ihuyi.logs import get_logger
from django_ihuyi.models import Message, Reply, State
from django_ihuyi.models.receipts import Receipt, find_message, move
from django_ihuyi.models.unmatched_receipts import UnmatchedReceipt

#: How many of the newest unmatched receipts each push tries again.
_NEWEST = 100
#: Seconds between two log lines about receipts for unknown phones: an attacker with the secret could fill a disk.
_LOG_INTERVAL = 60

logger = get_logger("django_ihuyi.webhooks")


class _UnknownPhones:
    """Counts the receipts for phones that no message was sent to, and logs the count from time to time."""

    def __init__(self, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._timer = timer
        self._lock = threading.Lock()
        self._count = 0
        self._due = 0.0

    @sensitive_variables()
    def count(self, phone: str) -> None:
        """Count one more receipt; log the count if a line is due."""
        with self._lock:
            self._count += 1
            if self._timer() < self._due:
                return
            count, self._count, self._due = self._count, 0, self._timer() + _LOG_INTERVAL
        words = "%d receipts came for phones that no message was sent to, the last for %s"
        logger.warning(words, count, phones.mask(phone))


_unknown_phones = _UnknownPhones()


@sensitive_variables()
def take_receipt(receipt: Receipt, *, using: str | None = None) -> Message | None:
    """Apply a receipt to its message, and return the message; return None if nothing changed.

    A receipt whose message is not known yet is stored for a day: `settle_unmatched` tries it again.
    """
    database = using or router.db_for_write(Message)

    def attempt() -> Message | None:
        message = find_message(receipt, using=database)
        if message is None:
            with transactions.stale_if_refused():  # a purge may have deleted the recipient
                if not UnmatchedReceipt.objects.using(database).keep(receipt):
                    _unknown_phones.count(receipt.phone)
            return None
        return message if move(message, receipt, using=database) else None

    return _announce(transactions.retry(attempt, using=database), using=database)


@sensitive_variables()
def take_reply(
    phone: str, content: str, *, platform_id: str = "", replied_at: datetime | None = None, using: str | None = None
) -> Reply | None:
    """Store a reply of a canonical phone, and return it; return None for a repetition, and for an unknown phone."""
    database = using or router.db_for_write(Reply)

    def attempt() -> Reply | None:
        replies = Reply.objects.using(database)
        with transactions.stale_if_refused():  # a purge may have deleted the recipient
            return replies.record(phone, content, platform_id=platform_id, replied_at=replied_at)

    reply = transactions.retry(attempt, using=database)
    if reply:
        transactions.after_commit(lambda: signals.reply_received.send_robust(Reply, reply=reply), using=database)
    return reply


@sensitive_variables()
def settle_unmatched(*, newest: int | None = None, using: str | None = None) -> int:
    """Apply receipts that came before their message was known, delete old ones; return how many messages changed.

    `newest` limits it to so many of the newest receipts. Several processes may run this at once.
    """
    database = using or router.db_for_write(Message)
    rows = UnmatchedReceipt.objects.using(database)
    transactions.retry(rows.forget_old, using=database)
    return _apply(rows.promising(newest=newest), using=database)


def settle_newest_unmatched(*, using: str | None = None) -> int:
    """Apply as many unmatched receipts as a request has time for."""
    return settle_unmatched(newest=_NEWEST, using=using)


def settle_unmatched_of(message: Message, *, using: str) -> bool:
    """Apply the unmatched receipts of a message. Return True if its row changed; `message` itself is not updated."""
    if message.state not in (State.SUBMITTED, State.UNKNOWN):
        return False
    return bool(_apply(UnmatchedReceipt.objects.using(using).of_message(message), using=using))


def _apply(rows: Iterable[UnmatchedReceipt], *, using: str) -> int:
    return sum(_apply_one(row, using=using) is not None for row in rows)


def _apply_one(row: UnmatchedReceipt, *, using: str) -> Message | None:
    def attempt() -> Message | None:
        message = find_message(row.receipt, using=using, arrived_at=row.received_at)
        if message is None:
            return None
        is_moved = move(message, row.receipt, using=using, arrived_at=row.received_at)
        # After the move: a process that is killed in between leaves a receipt that has no further effect.
        UnmatchedReceipt.objects.using(using).filter(pk=row.pk).delete()
        return message if is_moved else None

    return _announce(transactions.retry(attempt, using=using), using=using)


def _announce(message: Message | None, *, using: str) -> Message | None:
    if message:
        transactions.after_commit(lambda: signals.message_changed.send_robust(Message, message=message), using=using)
    return message
