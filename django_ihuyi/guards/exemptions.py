"""Who is exempt from what strangers are limited by: an office, a load test, the phones of those who test a release."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from django_ihuyi import phones
from django_ihuyi.conf import settings
from django_ihuyi.exceptions import InvalidPhone

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def is_exempt_client(client: str) -> bool:
    """Say whether EXEMPT_CLIENTS has a client's key: its address, or a network that holds it."""
    if not (client and settings.EXEMPT_CLIENTS):
        return False
    try:
        asked = parse_network(client)
    except ValueError:  # Python's own callers may name a client as they like
        return False
    return any(_holds(parse_network(text), asked) for text in settings.EXEMPT_CLIENTS)


def is_exempt_number(phone: str) -> bool:
    """Say whether EXEMPT_NUMBERS has a canonical phone, in whatever spelling."""
    return any(_means(text, phone) for text in settings.EXEMPT_NUMBERS)


@lru_cache(maxsize=256)
def parse_network(text: str) -> Network:
    """Return the network that an address or network in CIDR notation means; raises ValueError for anything else.

    An IPv6 address means its /64, as everywhere that clients are counted.
    """
    network = ipaddress.ip_network(text, strict=False)
    is_within = isinstance(network, ipaddress.IPv6Network) and network.prefixlen > 64
    return network.supernet(new_prefix=64) if is_within else network


def _means(text: str, phone: str) -> bool:
    try:
        return phones.parse(text) == phone
    except InvalidPhone:  # ihuyi.E073 finds it; a request cannot help it
        return False


def _holds(wide: Network, narrow: Network) -> bool:
    if isinstance(wide, ipaddress.IPv4Network):
        return isinstance(narrow, ipaddress.IPv4Network) and narrow.subnet_of(wide)
    return isinstance(narrow, ipaddress.IPv6Network) and narrow.subnet_of(wide)
