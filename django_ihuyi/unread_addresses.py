"""The report about client addresses that cannot be read: in the log, and through the cache to the doctor.

A caller that forges headers causes it at will: so it is rare, and repeats nothing that the caller wrote.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from django.conf import settings as django_settings
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache

from django_ihuyi.logs import get_logger

#: Where the cache has the newest report, and for how many seconds.
_KEY, _LIFETIME = "ihuyi.unread_address", 86_400

logger = get_logger("django_ihuyi.clients")


class _Hour:
    def __init__(self, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._timer = timer
        self._lock = threading.Lock()
        self._ends = 0.0

    def begin(self) -> bool:
        """Return True if the hour before is over, and begin the next one."""
        with self._lock:
            if self._timer() < self._ends:
                return False
            self._ends = self._timer() + 3600
            return True


_hour = _Hour()


def report(source: str, reason: str) -> None:
    """Report that `source` (a header, or REMOTE_ADDR) has no readable address, at most once an hour in each process."""
    if not _hour.begin():
        return
    words = "no client address can be read from %s: %s. Behind a proxy, such clients share one address and its limits"
    logger.warning(words, source, reason)
    now = datetime.now(timezone.utc).isoformat(sep=" ", timespec="seconds")
    with contextlib.suppress(Exception):  # each cache library raises its own, and the log has the report
        _find_cache().set(_KEY, {"source": source, "time": now}, timeout=_LIFETIME)


def read_report() -> Any:
    """Return the `source` and the `time` of the newest report, as a dict; None if the cache has none, or is down."""
    with contextlib.suppress(Exception):
        return _find_cache().get(_KEY)
    return None


def _find_cache() -> BaseCache:
    # The cache that counts requests, which all processes should share.
    return caches[getattr(django_settings, "RATELIMIT_USE_CACHE", "default")]
