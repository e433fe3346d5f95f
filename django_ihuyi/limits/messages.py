"""How many messages may go to one phone: a function of the messages sent, the rules and the time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django_ihuyi.client.results import PauseEnd, describe
from django_ihuyi.models import Kind, Message, State
from django_ihuyi.models.messages import LEASE
from django_ihuyi.models.sql.snapshot import Snapshot

DAY = timedelta(days=1)
#: The platform accepts one message a second for one number (4080), measured on arrival. Here the second counts from the
#: end of the previous call, so that no delay on the way can bring two messages closer together.
PACE = timedelta(seconds=1)
#: A call of the platform ends within 8 seconds: the client's deadline.
CALL_DEADLINE = timedelta(seconds=8)
#: Attempts at one number in any 24 hours, refused ones included. After 20 the platform puts the number on its blacklist
#: (408), and does not publish whether refused ones count. Five are left for other systems that use the account.
ATTEMPTS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The configured limits."""

    resend_interval: timedelta
    messages: int
    codes: int
    #: Whether no refusal may depend on the outcome of a message.
    prevents_enumeration: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The reason why no message may leave now: the REST API's `code`, and `retry_after` in whole seconds."""

    code: str
    retry_after: int

    @classmethod
    def until(cls, moment: datetime, *, code: str, now: datetime) -> Refusal:
        """Return a refusal that ends at a time in the future."""
        return cls(code=code, retry_after=math.ceil((moment - now).total_seconds()))


def find_refusal(snapshot: Snapshot, *, purpose: str, kind: Kind, rules: Rules, channel: str = "sms") -> Refusal | None:
    """Return the refusal that lasts longest, or None when a message may leave at `snapshot.now`."""
    waits = _waits(snapshot, purpose=purpose, kind=kind, channel=channel, rules=rules)
    until, code = max(waits, default=(snapshot.now, ""))
    if until <= snapshot.now:
        return None
    return Refusal.until(until, code=code, now=snapshot.now)


def find_wait(snapshot: Snapshot, *, kind: str) -> timedelta:
    """Return how long a message that has a claim must wait for its call; zero if it may be called now."""
    waits = [*_platform(snapshot, kind=kind), *_pace(snapshot.messages, now=snapshot.now)]
    until, _ = max(waits, default=(snapshot.now, ""))
    return max(until - snapshot.now, timedelta(0))


Wait = tuple[datetime, str]


def _waits(snapshot: Snapshot, *, purpose: str, kind: Kind, channel: str, rules: Rules) -> Iterator[Wait]:
    # An overdue message will never be sent, even if recovery has not written that yet.
    counted = [message for message in snapshot.messages if message.counted and not message.is_overdue(snapshot.now)]
    yield from _platform(snapshot, kind=kind)
    yield from _pace(snapshot.messages, now=snapshot.now)
    yield from _quota(counted, limit=rules.messages)
    refused = [message for message in snapshot.messages if _is_refused_attempt(message)]
    yield from _quota([*counted, *refused], limit=max(ATTEMPTS, rules.messages))
    if kind == Kind.CODE:
        yield from _interval(counted, purpose=purpose, channel=channel, rules=rules)
        yield from _quota([message for message in counted if message.kind == Kind.CODE], limit=rules.codes)


def _platform(snapshot: Snapshot, *, kind: str) -> Iterator[Wait]:
    """Yield the limits that the platform has reported for the number."""
    for recipient in snapshot.recipients:
        if recipient.suppressed_at:
            # A countdown that begins again each day: no answer distinguishes a suppressed number from a full one.
            yield snapshot.now + DAY - (snapshot.now - recipient.suppressed_at) % DAY, "number_limit"
        for end in PauseEnd:
            until: datetime | None = getattr(recipient, end.value)
            if until and (kind == Kind.CODE or end is not PauseEnd.FULL_FOR_CODES):
                yield until, end.answer


def _pace(messages: Iterable[Message], *, now: datetime) -> Iterator[Wait]:
    # A queued message is ignored: the worker that takes it waits for the other messages.
    for message in messages:
        # A decoy is unsent but counted, and must delay the next message as a sent one does.
        if message.finished_at and (message.state != State.UNSENT or message.counted):
            yield message.finished_at + PACE, "resend_too_soon"
        elif message.state == State.SENDING and now < message.started_at + LEASE:
            yield max(now, message.started_at + CALL_DEADLINE) + PACE, "resend_too_soon"


def _interval(counted: Iterable[Message], *, purpose: str, channel: str, rules: Rules) -> Iterator[Wait]:
    for message in counted:
        # A refused message did not arrive, and the platform's pause is in the recipient's row. After an undelivered
        # message a call may be made at once.
        is_missing = message.state == State.REFUSED or (channel == "voice" and message.state == State.UNDELIVERED)
        if message.purpose == purpose and (rules.prevents_enumeration or not is_missing):
            yield message.created_at + rules.resend_interval, "resend_too_soon"


def _is_refused_attempt(message: Message) -> bool:
    if message.state != State.REFUSED or message.counted:
        return False
    # Without a code (HTTP 429) the platform, or a proxy before it, has not read the number, but may have counted it.
    return message.result_code is None or describe(message.result_code, message.channel).is_attempt


def _quota(counted: Iterable[Message], *, limit: int) -> Iterator[Wait]:
    # Any 24 hours, because the platform does not publish what it means by a day.
    ends = sorted(message.finished_at or message.created_at for message in counted)
    if len(ends) >= limit:
        yield ends[-limit] + DAY, "number_limit"
