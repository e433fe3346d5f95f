"""Receipts: what the platform says became of a message, and how that moves the message, forwards only."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from django.db.models import Q

from django_ihuyi.database.clock import DatabaseNow
from django_ihuyi.database.optimistic_retry import StaleRow
from django_ihuyi.models.messages import Message, State
from django_ihuyi.models.recipients import Recipient

#: What each receipt moves on. Delivered is the top, because a phone that has a message does not lose it again: so the
#: end is the same in whatever order receipts come. A message that is `sending` is not among them: its call will write
#: more than a state, and the receipt waits for that.
_MOVED_BY = {
    State.UNDELIVERED: (State.SUBMITTED, State.UNKNOWN),
    State.DELIVERED: (State.SUBMITTED, State.UNKNOWN, State.UNDELIVERED),
}

#: How the start of a call may differ from the time in the id that the platform gave it: clocks differ, and a message
#: that was written in a transaction is called for after its commit.
_BEFORE, _AFTER = timedelta(seconds=60), timedelta(seconds=120)
#: How long ago a message without an id may have been called for when a receipt comes whose id tells no time.
_FRESH = timedelta(hours=1)
#: The form of an id that tells when it was given: Unix seconds, and ten more digits.
_DATED_ID = re.compile(r"([0-9]{10})[0-9]{10}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the platform says of one message, made fit to be kept."""

    platform_id: str
    #: Canonical.
    phone: str = field(repr=False)
    is_delivered: bool
    code: str
    text: str = ""
    reported_at: datetime | None = None

    @property
    def state(self) -> State:
        """The state that it tells of."""
        return State.DELIVERED if self.is_delivered else State.UNDELIVERED

    @property
    def sent_at(self) -> datetime | None:
        """When the platform took the message, where its id tells."""
        dated = _DATED_ID.fullmatch(self.platform_id)
        return datetime.fromtimestamp(int(dated[1]), timezone.utc) if dated else None


def find_message(receipt: Receipt, *, using: str, arrived_at: datetime | None = None) -> Message | None:
    """Return the message with the receipt's id and phone; or that phone's only message whose id was never learnt.

    `arrived_at` is when the receipt came; without it, now.
    """
    recipients = Recipient.objects.using(using).of(receipt.phone)
    messages = Message.objects.using(using).filter(recipient__in=recipients).select_related("recipient")
    # In one read: between two, one that is being sent could learn its id, and leave another as the only one without.
    candidates = messages.filter(Q(platform_id=receipt.platform_id) | _is_nameless(receipt, arrived_at=arrived_at))
    found = list(candidates.annotate(now=DatabaseNow()))
    # Compared here once more, because to MariaDB "a" and "A" are the same.
    named = [message for message in found if message.platform_id == receipt.platform_id]
    if len(named) == 1:
        return named[0]
    is_only_one = len(found) == 1 and found[0].state == State.UNKNOWN and not found[0].platform_id
    return found[0] if is_only_one and not _is_anothers(receipt, using=using) else None


def move(message: Message, receipt: Receipt, *, using: str, arrived_at: datetime | None = None) -> bool:
    """Write what a receipt says on the message that was found for it; True for exactly one of all who do.

    False if the message has come as far already. Raises StaleRow if another receipt was first to name it.
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
    """Match messages whose id is not known, and whose call began at about the time of the receipt's own."""
    until: Any = receipt.sent_at + _BEFORE if receipt.sent_at else arrived_at or DatabaseNow()
    since: Any = receipt.sent_at - _AFTER if receipt.sent_at else until - _FRESH
    # As `started_at` has it: a notice may have waited in the queue for an hour.
    started = Q(taken_at__range=(since, until)) | Q(taken_at=None, created_at__range=(since, until))
    # One that is being sent may be meant too, so beside it no other is the only one.
    return Q(platform_id="", state__in=(State.SENDING, State.UNKNOWN)) & started


def _is_anothers(receipt: Receipt, *, using: str) -> bool:
    """Say whether the id is known, as that of a message to another phone."""
    named = Message.objects.using(using).filter(platform_id=receipt.platform_id)
    # Not this phone's: another copy of the receipt may just have named the very message.
    return named.exclude(recipient__in=Recipient.objects.using(using).of(receipt.phone)).exists()
