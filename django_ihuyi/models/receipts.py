"""Receipts: the platform's report of a delivery, and the state that it moves its message to, forwards only."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from django.db.models import Q

from django_ihuyi.database.clock import DatabaseNow
from django_ihuyi.database.transactions import StaleRow
from django_ihuyi.models.messages import Message, State
from django_ihuyi.models.recipients import Recipient

#: {state of a receipt: states that it moves a message from}. DELIVERED wins over UNDELIVERED, because a phone does not
#: lose a message again; so the order of receipts does not matter. SENDING is missing: the call under way writes more
#: than a state, and until it has, the receipt is kept as an unmatched one.
_MOVED_BY = {
    State.UNDELIVERED: (State.SUBMITTED, State.UNKNOWN),
    State.DELIVERED: (State.SUBMITTED, State.UNKNOWN, State.UNDELIVERED),
}

#: How far the start of a call may be from the time in the platform's id: clocks differ, and a message written in a
#: transaction of the caller leaves after its commit.
_BEFORE, _AFTER = timedelta(seconds=60), timedelta(seconds=120)
#: For a receipt whose id has no time: how long ago the call of a message without an id may have begun.
_FRESH = timedelta(hours=1)
#: An id with a time: Unix seconds, and ten more digits.
_DATED_ID = re.compile(r"([0-9]{10})[0-9]{10}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The platform's report about one message, sanitized."""

    platform_id: str
    #: Canonical.
    phone: str = field(repr=False)
    is_delivered: bool
    code: str
    text: str = ""
    reported_at: datetime | None = None

    @property
    def state(self) -> State:
        """The state that the platform reports."""
        return State.DELIVERED if self.is_delivered else State.UNDELIVERED

    @property
    def sent_at(self) -> datetime | None:
        """When the platform accepted the message, if its id has the time."""
        dated = _DATED_ID.fullmatch(self.platform_id)
        return datetime.fromtimestamp(int(dated[1]), timezone.utc) if dated else None


def find_message(receipt: Receipt, *, using: str, arrived_at: datetime | None = None) -> Message | None:
    """Return the message with the receipt's id and phone, or that phone's only message without an id.

    `arrived_at` is when the receipt came, now by default.
    """
    recipients = Recipient.objects.using(using).of(receipt.phone)
    messages = Message.objects.using(using).filter(recipient__in=recipients).select_related("recipient")
    # In one query: between two, a message that is being sent could get its id, and another would look like the only
    # one without.
    candidates = messages.filter(Q(platform_id=receipt.platform_id) | _is_nameless(receipt, arrived_at=arrived_at))
    found = list(candidates.annotate(now=DatabaseNow()))
    # Compared again, because "a" equals "A" in MariaDB.
    named = [message for message in found if message.platform_id == receipt.platform_id]
    if len(named) == 1:
        return named[0]
    is_only_one = len(found) == 1 and found[0].state == State.UNKNOWN and not found[0].platform_id
    return found[0] if is_only_one and not _is_anothers(receipt, using=using) else None


def move(message: Message, receipt: Receipt, *, using: str, arrived_at: datetime | None = None) -> bool:
    """Write a receipt to its message; return True for exactly one of several parallel calls.

    Return False if the message is in this state or a later one. Raise StaleRow if another receipt has just given the
    message its id.
    """
    was_nameless = not message.platform_id
    changes = {
        "state": receipt.state,
        "platform_id": receipt.platform_id,
        "receipt_code": receipt.code,
        "receipt_text": receipt.text,
        "reported_at": receipt.reported_at,
        "received_at": arrived_at or message.now,  # type: ignore[attr-defined]  # annotated by find_message
    }
    as_it_was = Message.objects.using(using).filter(
        pk=message.pk, platform_id="" if was_nameless else receipt.platform_id, state__in=_MOVED_BY[receipt.state]
    )
    if not as_it_was.update(**changes):
        if was_nameless:
            raise StaleRow
        return False
    for name, value in changes.items():
        setattr(message, name, value)
    return True


def _is_nameless(receipt: Receipt, *, arrived_at: datetime | None) -> Q:
    """Match messages without an id whose call began about when the platform accepted the receipt's message."""
    until: Any = receipt.sent_at + _BEFORE if receipt.sent_at else arrived_at or DatabaseNow()
    since: Any = receipt.sent_at - _AFTER if receipt.sent_at else until - _FRESH
    # `taken_at` first, as in `started_at`: a notice may have waited in the queue for an hour.
    started = Q(taken_at__range=(since, until)) | Q(taken_at=None, created_at__range=(since, until))
    # SENDING too: the receipt may be about a message that is being sent, so no other one is the only candidate.
    return Q(platform_id="", state__in=(State.SENDING, State.UNKNOWN)) & started


def _is_anothers(receipt: Receipt, *, using: str) -> bool:
    """Return True if a message to another phone has the id."""
    named = Message.objects.using(using).filter(platform_id=receipt.platform_id)
    # This phone's are excluded: a copy of the receipt may just have given the same message its id.
    return named.exclude(recipient__in=Recipient.objects.using(using).of(receipt.phone)).exists()
