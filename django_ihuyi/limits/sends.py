"""How many messages may leave for one phone: a function of what has been sent, the rules and the time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django_ihuyi.models import Kind, Message, Recipient, Standing, State

DAY = timedelta(days=1)
#: The platform takes one message a second for one number (4080), measured on arrival; counted from the end of the
#: previous call, no delay on the way can bring two closer together.
PACE = timedelta(seconds=1)
#: A call to the platform ends within 8 seconds (reliability: the client's deadline).
CALL_DEADLINE = timedelta(seconds=8)
#: A message that is still being sent after so long was left by a worker that died.
LEASE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The configured figures."""

    resend_interval: timedelta
    messages: int
    codes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why no message may leave now; `code` as in the REST answer, `retry_after` in whole seconds."""

    code: str
    retry_after: int

    @classmethod
    def until(cls, moment: datetime, *, code: str, now: datetime) -> Refusal:
        """Refuse until a moment that lies ahead."""
        return cls(code=code, retry_after=math.ceil((moment - now).total_seconds()))


def find_refusal(standing: Standing, *, purpose: str, kind: Kind, rules: Rules, channel: str = "sms") -> Refusal | None:
    """Return the refusal that lasts longest, or None when a message may leave at `standing.now`."""
    waits = _waits(standing, purpose=purpose, kind=kind, channel=channel, rules=rules)
    until, code = max(waits, default=(standing.now, ""))
    if until <= standing.now:
        return None
    return Refusal.until(until, code=code, now=standing.now)


Wait = tuple[datetime, str]


def _waits(standing: Standing, *, purpose: str, kind: Kind, channel: str, rules: Rules) -> Iterator[Wait]:
    counted = [message for message in standing.messages if message.counted]
    yield from _platform(standing.recipient, kind=kind, now=standing.now)
    yield from _pace(standing.messages, now=standing.now)
    yield from _quota(counted, limit=rules.messages)
    if kind == Kind.CODE:
        yield from _interval(counted, purpose=purpose, channel=channel, interval=rules.resend_interval)
        yield from _quota([message for message in counted if message.kind == Kind.CODE], limit=rules.codes)


def _platform(recipient: Recipient, *, kind: Kind, now: datetime) -> Iterator[Wait]:
    """What the platform itself told us of this phone."""
    if recipient.suppressed_at:
        # Counts down as a full day does, and then again: nobody shall tell a suppressed number by its answers.
        yield now + DAY - (now - recipient.suppressed_at) % DAY, "number_limit"
    if recipient.wait_until:
        yield recipient.wait_until, "resend_too_soon"
    if recipient.full_until:
        yield recipient.full_until, "number_limit"
    if recipient.code_full_until and kind == Kind.CODE:
        yield recipient.code_full_until, "number_limit"


def _pace(messages: Iterable[Message], *, now: datetime) -> Iterator[Wait]:
    for message in messages:
        if message.finished_at and message.state != State.UNSENT:
            yield message.finished_at + PACE, "resend_too_soon"
        elif message.state in (State.QUEUED, State.SENDING) and now < message.created_at + LEASE:
            yield max(now, message.created_at + CALL_DEADLINE) + PACE, "resend_too_soon"


def _interval(counted: Iterable[Message], *, purpose: str, channel: str, interval: timedelta) -> Iterator[Wait]:
    for message in counted:
        # Who knows that the message did not come may be called at once.
        is_replaced = channel == "voice" and message.state == State.UNDELIVERED
        if message.purpose == purpose and not is_replaced:
            yield message.created_at + interval, "resend_too_soon"


def _quota(counted: Iterable[Message], *, limit: int) -> Iterator[Wait]:
    """The limit of any 24 hours, which holds whatever the platform means by "a day"."""
    ends = sorted(message.finished_at or message.created_at for message in counted)
    if len(ends) >= limit:
        yield ends[-limit] + DAY, "number_limit"
