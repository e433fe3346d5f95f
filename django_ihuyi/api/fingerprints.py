"""By what a request with an Idempotency-Key is known again: digests that nobody can turn back into what was asked."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from django_ihuyi.api.clients import client_of
from django_ihuyi.keys import live_keys

HEADER = "Idempotency-Key"

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_LABEL = b"django_ihuyi.idempotency.1"


def read_key(request: Request) -> str | None:
    """Return the request's Idempotency-Key, None if there is none; raises ValidationError for what cannot be one."""
    key: str | None = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if key is not None and not _KEY.fullmatch(key):
        raise ValidationError({HEADER: [_("Use 1 to 255 visible ASCII characters.")]}, code="invalid")
    return key


def find_fingerprints(request: Request, key: str, body: Mapping[str, Any]) -> dict[str, str]:
    """Return {name: fingerprint}: the name tells who asks, where and with which key, the fingerprint tells what for.

    One pair for SECRET_KEY, which new requests are written down by, and one for each of SECRET_KEY_FALLBACKS. Both are
    made with a secret of the request's own, which takes its Idempotency-Key to make: the database and our keys
    together do not suffice to try out which number, or which code, a fingerprint belongs to.
    """
    asked, content = _to_bytes([*_find_caller(request), request.path, key]), _to_bytes(body)
    found = {}
    for live_key in live_keys(_LABEL):
        own = _digest(live_key, asked)
        found[_digest(own, b"name").hex()] = _digest(own, b"body " + content).hex()
    return found


def _find_caller(request: Request) -> tuple[str, str]:
    """Return who asks, as far as it is known: what one of them did is never told to another."""
    user: Any = request.user  # None where the host has no authentication at all
    if user and user.is_authenticated:
        return "user", str(user.pk)
    session = getattr(request, "session", None)
    if session is not None and session.session_key:
        return "session", session.session_key
    client = client_of(request)
    if not client:
        raise ImproperlyConfigured(
            "The server gives no client address (REMOTE_ADDR is empty, as behind a Unix socket), so one client's "
            'Idempotency-Key cannot be told from another\'s. Set IHUYI["TRUSTED_PROXY_COUNT"] to the number of proxies '
            "that append to X-Forwarded-For."
        )
    return "client", client


def _to_bytes(value: object) -> bytes:
    # JSON, because it keeps apart what a separator, which might occur in a part, would not.
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _digest(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, "sha256")
