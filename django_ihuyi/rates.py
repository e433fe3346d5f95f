"""Rates in settings, written as count/period: `5/m`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from django.core.exceptions import ImproperlyConfigured

_RATE = re.compile(r"([1-9][0-9]*)/([1-9][0-9]*)?([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """At most `limit` requests in any `period` of seconds."""

    limit: int
    period: int

    def __str__(self) -> str:
        """Return the rate as settings write it, in the largest unit that divides the period."""
        unit = next(unit for unit in "dhms" if self.period % _SECONDS[unit] == 0)
        count = self.period // _SECONDS[unit]
        return f"{self.limit}/{'' if count == 1 else count}{unit}"


@lru_cache(maxsize=64)
def parse_rate(text: str) -> Rate:
    """Return the rate in `text`: count/period, with period s, m, h or d, or several of them (10m)."""
    match = _RATE.fullmatch(text)
    if not match:
        raise ImproperlyConfigured(f"IHUYI: {text!r} is not a rate; write one like '5/m', '20/h' or '50/d'.")
    return Rate(limit=int(match[1]), period=int(match[2] or 1) * _SECONDS[match[3]])
