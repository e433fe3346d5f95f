"""What arrived at a phone against what the database says of it."""

import dataclasses

from django_ihuyi.models import Message

#: States in which a message may have arrived without its id being known here.
NAMELESS = ("sending", "unknown")
#: States that say that a message left.
LEFT = ("submitted", "delivered", "undelivered")
UNFINISHED = ("queued", "sending")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reckoning:
    """Messages that went wrong; all of it is 0 where the promises hold."""

    #: Promised to the caller, or said to have left, or left unfinished: and did not arrive.
    lost: int = 0
    #: Arrived, and were not asked for so often; or share one id.
    doubled: int = 0
    #: Arrived, and no row can mean them.
    unlogged: int = 0
    #: Arrived, and hold no claim on the number's limits.
    uncounted: int = 0

    def __add__(self, other):
        return Reckoning(
            lost=self.lost + other.lost,
            doubled=self.doubled + other.doubled,
            unlogged=self.unlogged + other.unlogged,
            uncounted=self.uncounted + other.uncounted,
        )

    def __str__(self):
        return f"{self.lost} / {self.doubled} / {self.unlogged} / {self.uncounted}"


def reckon(platform, phone, *, asked, promised):
    """Reckon when recovery has been there: so often a message was asked for, so many were answered with 202."""
    messages = platform.messages(phone)
    arrived, count = {message["smsid"] for message in messages}, len(messages)
    rows = list(Message.objects.filter(recipient__phone=f"+86{phone}"))
    named = {row.platform_id for row in rows if row.platform_id}
    namesakes = Message.objects.filter(platform_id__in=named).count() - len(named)
    nameless = sum(row.state in NAMELESS and not row.platform_id for row in rows)
    not_there = sum(row.state in LEFT and row.platform_id not in arrived for row in rows)
    return Reckoning(
        lost=max(0, promised - len(rows)) + not_there + sum(row.state in UNFINISHED for row in rows),
        doubled=max(0, count - asked) + namesakes,
        unlogged=max(0, len(arrived - named) - nameless),
        uncounted=max(0, count - sum(row.counted for row in rows)),
    )
