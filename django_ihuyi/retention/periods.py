"""The periods of RETENTION, and those that are no setting."""

from __future__ import annotations

from datetime import timedelta

from django_ihuyi.conf import settings

#: Periods that may be None: unlimited.
UNLIMITED = {"verification_days"}
#: How long a message counts for the limits: a day, and an hour for calls that ended long after they began.
COUNTED = timedelta(hours=25)


def period(name: str) -> timedelta | None:
    """Return a period of RETENTION; None means unlimited."""
    length, unit = settings.RETENTION[name], name.rpartition("_")[2]
    return None if length is None else timedelta(**{unit: length})


def message_period() -> timedelta | None:
    """Return how long messages are kept: at least as long as the limits count them."""
    kept = period("message_days")
    return None if kept is None else max(kept, COUNTED)
