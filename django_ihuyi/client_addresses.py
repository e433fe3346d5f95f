"""The caller of a request: its address, which it cannot choose for itself, and the keys that limits count it by."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from django_ihuyi.conf import settings

__all__ = ["client_of"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def client_of(request: HttpRequest) -> str:
    """Return the client's key, for `send_code(client=…)`: its IPv4 address, or the /64 network of its IPv6 address.

    Empty if the server knows no address (a Unix socket without proxies).
    """
    address = find_address(request)
    if isinstance(address, ipaddress.IPv6Address):
        # A subscriber owns a /64 and can take any address in it. Through int(), which drops a scope id (fe80::1%eth0).
        return str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))
    return str(address or "")


def known_client_of(request: HttpRequest) -> str:
    """Return the client's key; raise ImproperlyConfigured rather than count all clients as one."""
    client = client_of(request)
    if not client:
        raise ImproperlyConfigured(
            "The server gives no client address (REMOTE_ADDR is empty, as behind a Unix socket), so clients cannot be "
            'told apart. Set IHUYI["TRUSTED_PROXY_COUNT"] to the number of proxies that append to X-Forwarded-For. '
            'Without an address IHUYI["CLIENT_LIMITS"] and IHUYI["GUARDS"] must be empty, and an Idempotency-Key '
            "needs a user or a session."
        )
    return client


def user_of(request: HttpRequest) -> str:
    """Return the primary key of the logged-in user, or the empty text."""
    user: Any = request.user  # None where the host has no authentication at all
    return str(user.pk) if user and user.is_authenticated else ""


def find_address(request: HttpRequest) -> Address | None:
    """Return the client's address; an IPv4-mapped IPv6 address is returned as the IPv4 address.

    Behind TRUSTED_PROXY_COUNT proxies it stands that many places from the right in X-Forwarded-For; entries that the
    caller itself wrote there are further to the left. None if the server knows no address.
    """
    hops = settings.TRUSTED_PROXY_COUNT
    entries = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    # Fewer entries than proxies: one of them did not append, so any entry may be the caller's own.
    forwarded = entries[-hops].strip() if 0 < hops <= len(entries) else ""
    return _parse(forwarded) or _parse(request.META.get("REMOTE_ADDR", ""))


def is_exempt_client(client: str) -> bool:
    """Return True if EXEMPT_CLIENTS has a client's key: its address, or a network that holds it."""
    if not (client and settings.EXEMPT_CLIENTS):
        return False
    try:
        asked = parse_network(client)
    except ValueError:  # callers of the Python API may pass any text as `client`
        return False
    return any(_holds(parse_network(text), asked) for text in settings.EXEMPT_CLIENTS)


@lru_cache(maxsize=256)
def network_of(client: str) -> str:
    """Return the /48 network around an IPv6 client's key, and the empty text for any other key."""
    try:
        network = parse_network(client)
    except ValueError:
        return ""
    return str(network.supernet(new_prefix=48)) if network.version == 6 and network.prefixlen > 48 else ""


@lru_cache(maxsize=256)
def parse_network(text: str) -> Network:
    """Return the network of an address or of a network in CIDR notation; raise ValueError for any other text.

    An IPv6 address means its /64, as everywhere that clients are counted.
    """
    network = ipaddress.ip_network(text, strict=False)
    is_within = isinstance(network, ipaddress.IPv6Network) and network.prefixlen > 64
    return network.supernet(new_prefix=64) if is_within else network


def _parse(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def _holds(wide: Network, narrow: Network) -> bool:
    # By type first: subnet_of() raises TypeError for two versions of IP.
    if isinstance(wide, ipaddress.IPv4Network):
        return isinstance(narrow, ipaddress.IPv4Network) and narrow.subnet_of(wide)
    return isinstance(narrow, ipaddress.IPv6Network) and narrow.subnet_of(wide)
