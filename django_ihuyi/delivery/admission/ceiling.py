"""The ceiling of an account: how many messages may leave by it within a second, in all processes together.

The database judges: a channel with a ceiling of 20 has 20 places. Each call takes one before it begins, and gives it
back a second after it has ended. So of any 20 + 1 messages two lie more than a second apart wherever they are measured,
on our side or on the platform's, and however long each was on its way. Without ACCOUNT_RATE nobody asks.
"""

from __future__ import annotations

import time
from time import monotonic

from django.db import Error

from django_ihuyi.conf import settings
from django_ihuyi.exceptions import SendingUnavailable
from django_ihuyi.logs import get_logger
from django_ihuyi.models import Kind
from django_ihuyi.models.places import Place as Row

logger = get_logger("django_ihuyi.ceiling")

#: One place in so many is for codes alone, so that no batch takes the last one from somebody who waits for a code.
SHARE = 10
#: Seconds that a call without a queue waits for a place.
PATIENCE = 3.0
#: Seconds after which a call may not begin any more: it could outlast the time that the place is held for.
STALE = 10.0
#: Seconds between two looks, at the least.
_SHORTEST = 0.005


class Full(SendingUnavailable):
    """As many messages as the account may send in a second are on their way; `wait` is the seconds until one is not."""

    def __init__(self, wait: float) -> None:
        super().__init__(retry_after=1)
        self.wait = max(wait, _SHORTEST)


class Place:
    """A place that was taken; as a context it is given back at the end."""

    def __init__(self, row: Row, *, using: str) -> None:
        self._row = row
        self._using = using
        self._taken = monotonic()
        self._was_used = False

    def __enter__(self) -> Place:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            Row.objects.using(self._using).give_back(self._row, was_used=self._was_used)
        except Error:
            # What became of the message is worth more; the place comes free by itself.
            logger.exception("a place of the channel %s cannot be given back", self._row.channel)

    def use(self) -> None:
        """Say that the call begins. Raises SendingUnavailable if it was put off for too long."""
        if monotonic() - self._taken > STALE:
            raise SendingUnavailable(retry_after=1)
        self._was_used = True


def take_place(channel: str, *, kind: str, using: str) -> Place | None:
    """Take a place for one call, None where the channel has no ceiling. Raises Full if there is none now."""
    rate = settings.ACCOUNT_RATE.get(channel)
    if rate is None:
        return None
    among = rate if kind == Kind.CODE or rate == 1 else rate - -(-rate // SHARE)
    taken = Row.objects.using(using).take(channel, rate=rate, among=among)
    if isinstance(taken, Row):
        return Place(taken, using=using)
    raise Full(taken.total_seconds())


def wait_for_place(channel: str, *, kind: str, using: str) -> Place | None:
    """Take a place, and wait for one for a while if there is none. Raises Full after that."""
    deadline = monotonic() + PATIENCE
    while True:
        try:
            return take_place(channel, kind=kind, using=using)
        except Full as full:  # noqa: PERF203 - it is what the loop waits for
            if monotonic() + full.wait > deadline:
                raise
            time.sleep(full.wait)
