"""Tell the time as the platform does, where its answers show that the two clocks differ."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from email.utils import parsedate_to_datetime

from django_ihuyi.logs import get_logger

logger = get_logger(__name__)

#: Seconds that the two clocks may differ by without a correction.
TOLERANCE = 30
#: What a clock can show, the years 2020 to 2100: one that was never set shows 1970.
PLAUSIBLE = range(1_577_836_800, 4_102_444_800)

#: The one form in which servers write dates (RFC 9110, section 5.6.7).
_DATE = re.compile(r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT")


class PlatformClock:
    """A clock that learns, to be shared by threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._offset = 0
        self._lock = threading.Lock()

    def now(self) -> int:
        """Return the Unix time, as far as known the platform's."""
        return int(self._clock()) + self._offset

    def learn(self, date: str, *, told: int) -> bool:
        """Learn from the `Date` of an answer that refused the time `told`; say whether another try is worth it."""
        platform_time = read_date(date)
        if platform_time is None or abs(platform_time - told) <= TOLERANCE:
            return False
        with self._lock:
            offset = platform_time - int(self._clock())
            # Other threads may have learned the same meanwhile.
            is_news = abs(offset - self._offset) > TOLERANCE
            self._offset = offset if is_news else self._offset
        if is_news:
            logger.warning(
                "The platform's clock is %+d seconds off this machine's, and it refuses passwords for that (40501). "
                "They are made with its time now; set this machine's clock right.",
                offset,
            )
        return True


def read_date(date: str) -> int | None:
    """Read a `Date` header as Unix time; None for one that is not there, or that no clock can show."""
    if not _DATE.fullmatch(date):
        return None
    try:
        seconds = int(parsedate_to_datetime(date).timestamp())
    except ValueError:
        return None
    return seconds if seconds in PLAUSIBLE else None
