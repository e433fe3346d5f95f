"""When a message is to leave: marketing only."""

from __future__ import annotations

import contextlib
import re
from datetime import datetime

from django_ihuyi.simulator.attempt import Attempt, Rule
from django_ihuyi.simulator.phones import BEIJING

UNIX_TIME = re.compile(r"[0-9]{10}")


def check_time(attempt: Attempt) -> int | None:
    """Refuse a time that cannot be read, or the messages would leave at once: 0 (ours)."""
    return 0 if departure(attempt) is None else None


def departure(attempt: Attempt) -> float | None:
    """Return when the message leaves: now, or at `stime`, in Unix seconds or as Beijing's clock shows it (ours)."""
    wished = attempt.value("stime") if attempt.call.product.takes_list else ""
    if not wished:
        return attempt.now
    if UNIX_TIME.fullmatch(wished):
        return max(attempt.now, float(wished))
    with contextlib.suppress(ValueError):
        wall = datetime.strptime(wished, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)
        return max(attempt.now, wall.timestamp())
    return None


RULES: tuple[Rule, ...] = (check_time,)
