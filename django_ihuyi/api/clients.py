"""Who is calling: the key that a limit is counted by."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from rest_framework.request import Request

from django_ihuyi.client_addresses import client_of

__all__ = ["client_of", "known_client_of", "user_of"]


def known_client_of(request: HttpRequest) -> str:
    """Return the client's key; raises ImproperlyConfigured rather than count all clients as one."""
    client = client_of(request)
    if not client:
        raise ImproperlyConfigured(
            "The server gives no client address (REMOTE_ADDR is empty, as behind a Unix socket), so requests cannot be "
            'counted by client. Set IHUYI["TRUSTED_PROXY_COUNT"] to the number of proxies that append to '
            'X-Forwarded-For, or leave IHUYI["CLIENT_LIMITS"] and IHUYI["GUARDS"] empty.'
        )
    return client


def user_of(request: Request) -> str:
    """Return the primary key of the user who is logged in, the empty text for nobody."""
    user: Any = request.user  # None where the host has no authentication at all
    return str(user.pk) if user and user.is_authenticated else ""
