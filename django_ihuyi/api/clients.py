"""Who is calling: the address that a limit is counted by, which no caller can choose for itself."""

from __future__ import annotations

import ipaddress

from django.http import HttpRequest

from django_ihuyi.conf import settings


def client_of(request: HttpRequest) -> str:
    """Return the client's key: its IPv4 address, or the /64 network of its IPv6 address.

    Behind TRUSTED_PROXY_COUNT proxies it stands that many places from the right in X-Forwarded-For; what a caller
    writes there itself is further to the left. Empty if the server knows no address (a Unix socket without proxies).
    """
    hops = settings.TRUSTED_PROXY_COUNT
    forwarded = _forwarded(request.META.get("HTTP_X_FORWARDED_FOR", ""), hops=hops) if hops else ""
    return (forwarded and to_key(forwarded)) or to_key(request.META.get("REMOTE_ADDR", ""))


def to_key(text: str) -> str:
    """Fold an address into its key; the empty text for what is no address."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        return str(address.ipv4_mapped or _network(address))
    return str(address)


def _forwarded(header: str, *, hops: int) -> str:
    addresses = header.split(",")
    return addresses[-hops].strip() if 0 < hops <= len(addresses) else ""


def _network(address: ipaddress.IPv6Address) -> ipaddress.IPv6Network:
    # A subscriber owns a /64 and can take any address in it; through int() the scope id (fe80::1%eth0) is dropped.
    return ipaddress.IPv6Network((int(address) >> 64 << 64, 64))
