"""Tickets: the names of challenges, signed for one purpose and client, so that nothing must be stored."""

from __future__ import annotations

import hmac
import re

from django.views.decorators.debug import sensitive_variables

from django_ihuyi.keys import live_keys

#: Seconds in which a captcha can be answered.
LIFETIME = 300

_LABEL = b"django_ihuyi.captcha.1"
_TICKET = re.compile(r"(?P<expires>[0-9]{1,12})\.(?P<id>[A-Za-z0-9_-]{1,64})\.(?P<mac>[0-9a-f]{64})")


@sensitive_variables()
def write_ticket(challenge_id: str, *, kind: str, purpose: str, client: str, now: float) -> str:
    """Return the ticket of a challenge, for this purpose and client."""
    expires = str(int(now) + LIFETIME)
    mac = _mac(live_keys(_LABEL)[0], expires, challenge_id, kind, purpose, client)
    return f"{expires}.{challenge_id}.{mac}"


@sensitive_variables()
def read_ticket(ticket: str, *, kind: str, purpose: str, client: str, now: float) -> str | None:
    """Return the id of the challenge, or None if the ticket is forged, expired, or of another purpose or client."""
    match = _TICKET.fullmatch(ticket)
    if not match or int(match["expires"]) <= now:
        return None
    bound = (match["expires"], match["id"], kind, purpose, client)
    is_ours = any(hmac.compare_digest(match["mac"], _mac(key, *bound)) for key in live_keys(_LABEL))
    return match["id"] if is_ours else None


@sensitive_variables()
def _mac(key: bytes, *bound: str) -> str:
    return hmac.digest(key, "\x1f".join(bound).encode(), "sha256").hex()
