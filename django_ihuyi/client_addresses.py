"""Whose address a request comes from, which no caller can choose for itself; client_of is what limits count by."""

from __future__ import annotations

import ipaddress

from django.http import HttpRequest

from django_ihuyi.conf import settings

__all__ = ["client_of"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def client_of(request: HttpRequest) -> str:
    """Return the client's key, for `send_code(client=…)`: its IPv4 address, or the /64 network of its IPv6 address.

    Empty if the server knows no address (a Unix socket without proxies).
    """
    address = find_address(request)
    if isinstance(address, ipaddress.IPv6Address):
        return str(_network(address))
    return str(address or "")


def find_address(request: HttpRequest) -> Address | None:
    """Return the client's address; an IPv4 address in IPv6's clothes is the IPv4 address.

    Behind TRUSTED_PROXY_COUNT proxies it stands that many places from the right in X-Forwarded-For; what a caller
    writes there itself is further to the left. None if the server knows no address (a Unix socket without proxies).
    """
    hops = settings.TRUSTED_PROXY_COUNT
    forwarded = _forwarded(request.META.get("HTTP_X_FORWARDED_FOR", ""), hops=hops) if hops else ""
    return _parse(forwarded) or _parse(request.META.get("REMOTE_ADDR", ""))


def _forwarded(header: str, *, hops: int) -> str:
    addresses = header.split(",")
    return addresses[-hops].strip() if 0 < hops <= len(addresses) else ""


def _parse(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def _network(address: ipaddress.IPv6Address) -> ipaddress.IPv6Network:
    # A subscriber owns a /64 and can take any address in it; through int() the scope id (fe80::1%eth0) is dropped.
    return ipaddress.IPv6Network((int(address) >> 64 << 64, 64))
