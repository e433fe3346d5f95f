"""How many messages may leave for one phone: a function of what has been sent, the rules and the time."""

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
#: The platform takes one message a second for one number (4080), measured on arrival; counted from the end of the
#: previous call, no delay on the way can bring two closer together.
PACE = timedelta(seconds=1)
#: A call to the platform ends within 8 seconds (reliability: the client's deadline).
CALL_DEADLINE = timedelta(seconds=8)
#: Attempts at one number in any 24 hours, refused ones too: the platform counts them all, and after 20 the number is on
#: its blacklist (408). The rest is for what else may send by the account.
ATTEMPTS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The configured figures."""

    resend_interval: timedelta
    messages: int
    codes: int
    #: Whether nothing that became of a message may show in what is refused.
    prevents_enumeration: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why no message may leave now; `code` as in the REST answer, `retry_after` in whole seconds."""

    code: str
    retry_after: int

    @classmethod
    def until(cls, moment: datetime, *, code: str, now: datetime) -> Refusal:
        """Refuse until a moment that lies ahead."""
        return cls(code=code, retry_after=math.ceil((moment - now).total_seconds()))


def find_refusal(snapshot: Snapshot, *, purpose: str, kind: Kind, rules: Rules, channel: str = "sms") -> Refusal | None:
    """Return the refusal that lasts longest, or None when a message may leave at `snapshot.now`."""
    waits = _waits(snapshot, purpose=purpose, kind=kind, channel=channel, rules=rules)
    until, code = max(waits, default=(snapshot.now, ""))
    if until <= snapshot.now:
        return None
    return Refusal.until(until, code=code, now=snapshot.now)


def find_wait(snapshot: Snapshot, *, kind: str) -> timedelta:
    """Return how long a message that holds its claim must wait for its call: zero when the number may be called now."""
    waits = [*_platform(snapshot, kind=kind), *_pace(snapshot.messages, now=snapshot.now)]
    until, _ = max(waits, default=(snapshot.now, ""))
    return max(until - snapshot.now, timedelta(0))


Wait = tuple[datetime, str]


def _waits(snapshot: Snapshot, *, purpose: str, kind: Kind, channel: str, rules: Rules) -> Iterator[Wait]:
    # What is overdue holds no claim any more, though nobody has written that down yet.
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
    """Yield what the platform itself has asked for."""
    for recipient in snapshot.recipients:
        if recipient.suppressed_at:
            # Counts down as a full day does, and then again, so that no answer tells a suppressed number.
            yield snapshot.now + DAY - (snapshot.now - recipient.suppressed_at) % DAY, "number_limit"
        for end in PauseEnd:
            until: datetime | None = getattr(recipient, end.value)
            if until and (kind == Kind.CODE or end is not PauseEnd.FULL_FOR_CODES):
                yield until, end.answer


def _pace(messages: Iterable[Message], *, now: datetime) -> Iterator[Wait]:
    """A queued message sets no pace: whoever takes it out of the queue keeps the distance from the others."""
    for message in messages:
        # What was not sent and is counted all the same looks as if it had been.
        if message.finished_at and (message.state != State.UNSENT or message.counted):
            yield message.finished_at + PACE, "resend_too_soon"
        elif message.state == State.SENDING and now < message.started_at + LEASE:
            yield max(now, message.started_at + CALL_DEADLINE) + PACE, "resend_too_soon"


def _interval(counted: Iterable[Message], *, purpose: str, channel: str, rules: Rules) -> Iterator[Wait]:
    for message in counted:
        # What the platform refused never came: how long to wait then, it has taught the recipient. And who knows that a
        # message did not come may be called at once.
        is_missing = message.state == State.REFUSED or (channel == "voice" and message.state == State.UNDELIVERED)
        if message.purpose == purpose and (rules.prevents_enumeration or not is_missing):
            yield message.created_at + rules.resend_interval, "resend_too_soon"


def _is_refused_attempt(message: Message) -> bool:
    if message.state != State.REFUSED or message.counted:
        return False
    # Without a code (HTTP 429) the platform, or a proxy before it, did not look at the number; yet it may have counted.
    return message.result_code is None or describe(message.result_code, message.channel).is_attempt


def _quota(counted: Iterable[Message], *, limit: int) -> Iterator[Wait]:
    """The limit of any 24 hours, which holds whatever the platform means by "a day"."""
    ends = sorted(message.finished_at or message.created_at for message in counted)
    if len(ends) >= limit:
        yield ends[-limit] + DAY, "number_limit"
