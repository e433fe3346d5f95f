"""The periods of RETENTION, and those that are no setting."""

from __future__ import annotations

from datetime import timedelta

from django_ihuyi.conf import settings

#: What may be kept without an end.
UNLIMITED = {"verification_days"}
#: Limits look back a day, and an hour more for calls that ended long after they began: so long a message counts.
COUNTED = timedelta(hours=25)


def period(name: str) -> timedelta | None:
    """Return the period `name` of RETENTION; None for ever."""
    length, unit = settings.RETENTION[name], name.rpartition("_")[2]
    return None if length is None else timedelta(**{unit: length})


def message_period() -> timedelta | None:
    """Return how long messages are kept: whatever is set, as long as the limits count them."""
    kept = period("message_days")
    return None if kept is None else max(kept, COUNTED)
