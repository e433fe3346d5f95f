"""Rates as settings spell them: count/period."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from django.core.exceptions import ImproperlyConfigured

_RATE = re.compile(r"([1-9][0-9]*)/([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many requests in so many seconds."""

    limit: int
    period: int


@lru_cache(maxsize=64)
def parse_rate(text: str) -> Rate:
    """Return the rate that `text` spells: count/period, with period s, m, h or d."""
    match = _RATE.fullmatch(text)
    if not match:
        raise ImproperlyConfigured(f"IHUYI: {text!r} is no rate; write one like '5/m', '20/h' or '50/d'.")
    return Rate(limit=int(match[1]), period=_SECONDS[match[2]])
