"""Digests that a request with an Idempotency-Key is recognized by. They do not reveal the request."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request

from django_ihuyi.client_addresses import known_client_of, user_of
from django_ihuyi.keys import live_keys

_LABEL = b"django_ihuyi.idempotency.1"


def find_fingerprints(request: Request, key: str, body: Mapping[str, Any]) -> dict[str, str]:
    """Return {name: fingerprint}. The name stands for caller, path and key, the fingerprint for the request's body.

    The first pair is made with SECRET_KEY, and new requests are stored under it; then one pair for each of
    SECRET_KEY_FALLBACKS. Both digests need a secret that is derived from the Idempotency-Key, which is not stored.
    So an attacker who has the database and our keys still cannot test numbers or codes against a fingerprint.
    """
    asked, content = _to_bytes([*_find_caller(request), request.path, key]), _to_bytes(body)
    found = {}
    for live_key in live_keys(_LABEL):
        own = _digest(live_key, asked)
        found[_digest(own, b"name").hex()] = _digest(own, b"body " + content).hex()
    return found


def _find_caller(request: Request) -> tuple[str, str]:
    """Return the caller as user, session or client, so that no caller gets the answer to another one's request."""
    if user := user_of(request):
        return "user", user
    session = getattr(request, "session", None)
    if session is not None and session.session_key:
        return "session", session.session_key
    return "client", known_client_of(request)


def _to_bytes(value: object) -> bytes:
    # As JSON: with a mere separator, parts that contain it could be cut in two ways.
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _digest(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, "sha256")
