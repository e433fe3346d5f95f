"""The id of a verification, as callers hand it in."""

from __future__ import annotations

import re

_ID = re.compile(r"[0-9a-f]{32}")


def parse_id(text: object) -> str | None:
    """Return the id, 32 hexadecimal digits, or None for what cannot be one."""
    return text if isinstance(text, str) and _ID.fullmatch(text) else None
