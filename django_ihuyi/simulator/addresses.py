"""Addresses of this machine, and the URLs that pushes may go to."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Return True if only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_push_url(url: str, *, allow_remote: bool) -> None:
    """Raise ValueError unless receipts and replies may be pushed to a URL."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or not url.isascii() or not url.isprintable():
        raise ValueError("a push needs an http or https URL")
    if parts.port == 0:  # reading the port raises ValueError if it is no number
        raise ValueError("a push needs a port that exists")
    if not (allow_remote or is_loopback(parts.hostname)):
        raise ValueError("pushes go to this machine only, unless the simulator was started with --push-remote")
