"""The caller of a request: its address, which it cannot choose for itself, and the keys that limits count it by."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from django_ihuyi.conf import settings
from django_ihuyi.unread_addresses import report

__all__ = ["client_of"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: The entry of TRUSTED_PROXIES for a server that listens on a Unix socket, and REMOTE_ADDR there.
UNIX, _UNIX_PEERS = "unix", ("", "unix:")
#: An address with a port, or in brackets. The last group of a bare IPv6 address is not a port.
_WITH_PORT = re.compile(r"\[([^]]+)\](?::[0-9]{1,5})?|([^][]*\.[0-9]+):[0-9]{1,5}")


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
            "The server gives no client address (REMOTE_ADDR is empty, as behind a Unix socket, and no trusted header "
            'has one), so clients cannot be told apart. Set IHUYI["TRUSTED_PROXY_COUNT"] to the number of proxies that '
            'append to X-Forwarded-For, or IHUYI["TRUSTED_CLIENT_IP_HEADER"] to a header with the address and '
            'IHUYI["TRUSTED_PROXIES"] to the proxies that send it ("unix" for a socket). Without an address '
            'IHUYI["CLIENT_LIMITS"] and IHUYI["GUARDS"] must be empty, and an Idempotency-Key '
            "needs a user or a session."
        )
    return client


def user_of(request: HttpRequest) -> str:
    """Return the primary key of the logged-in user, or the empty text."""
    user: Any = request.user  # None where the host has no authentication at all
    return str(user.pk) if user and user.is_authenticated else ""


def find_address(request: HttpRequest) -> Address | None:
    """Return the client's address; an IPv4-mapped IPv6 address is returned as the IPv4 address.

    A header has it if the settings trust one; else, or if the header has no readable address, REMOTE_ADDR. None if the
    server knows no address.
    """
    remote = request.META.get("REMOTE_ADDR") or ""
    # With TRUSTED_CLIENT_IP_HEADER, X-Forwarded-For is not read, even if the check that forbids both is silenced.
    if settings.TRUSTED_CLIENT_IP_HEADER:
        forwarded = _read_trusted_header(request, remote)
    else:
        forwarded = _read_forwarded_for(request)
    if forwarded:
        return forwarded
    address = _parse(remote)
    if not address and remote not in _UNIX_PEERS:
        report("REMOTE_ADDR", "it is not an address")
    return address


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


def parse_proxy(text: str) -> Network:
    """Return the network of an entry of TRUSTED_PROXIES, exactly as it is written; raise ValueError if it has none."""
    return ipaddress.ip_network(_parse(text) or text)


def _read_trusted_header(request: HttpRequest, remote: str) -> Address | None:
    name = settings.TRUSTED_CLIENT_IP_HEADER
    text = request.META.get(f"HTTP_{name.upper().replace('-', '_')}")
    if not _is_proxy(remote):
        if text is not None:
            report(name, "REMOTE_ADDR is not in TRUSTED_PROXIES")
        return None
    # Several addresses are not an address.
    if not (address := _parse(text or "")):
        report(name, "it does not hold exactly one address")
    return address


def _is_proxy(remote: str) -> bool:
    if remote in _UNIX_PEERS:
        return UNIX in settings.TRUSTED_PROXIES
    address = _parse(remote)
    return address is not None and any(_has(entry, address) for entry in settings.TRUSTED_PROXIES)


def _has(entry: str, address: Address) -> bool:
    try:
        return address in parse_proxy(entry)
    except ValueError:  # "unix", or an error that the checks report
        return False


def _read_forwarded_for(request: HttpRequest) -> Address | None:
    """Return the address as many places from the right as there are proxies: entries further left may be forged."""
    hops = settings.TRUSTED_PROXY_COUNT
    if hops <= 0:
        return None
    entries = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    # Fewer entries than proxies: one of them did not append, so any entry may be the caller's own.
    address = _parse(entries[-hops]) if hops <= len(entries) else None
    if not address:
        report("X-Forwarded-For", "it has no address at the place that TRUSTED_PROXY_COUNT names")
    return address


def _parse(text: str) -> Address | None:
    text = text.strip().strip('"')
    if written := _WITH_PORT.fullmatch(text):
        text = written[1] or written[2]
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
