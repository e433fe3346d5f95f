"""The id of a verification, as callers hand it in."""

from __future__ import annotations

import uuid


def parse_id(text: object) -> uuid.UUID | None:
    """Return the id, or None for what cannot be one."""
    if isinstance(text, uuid.UUID):
        return text
    try:
        return uuid.UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None
