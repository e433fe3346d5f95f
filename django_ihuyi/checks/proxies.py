"""Findings about the proxies in front of the site, and the headers in which they send the client's address."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.conf import settings as django_settings

from django_ihuyi.checks.findings import finding
from django_ihuyi.checks.names import accepts, sound
from django_ihuyi.client_addresses import UNIX, parse_proxy

#: The hint for a site whose REMOTE_ADDR is a proxy's.
_NAME_THEM = "Set TRUSTED_PROXY_COUNT to the number of proxies that append to X-Forwarded-For, or a header to trust."


@finding("E012", hint="Set it to the number of proxies that append to X-Forwarded-For; 0 without a proxy.")
def find_proxy_count() -> Iterator[str]:
    """TRUSTED_PROXY_COUNT is below 0 or above 10."""
    count = sound("TRUSTED_PROXY_COUNT")
    if not 0 <= count <= 10:
        yield f"IHUYI['TRUSTED_PROXY_COUNT'] is {count}, but must be from 0 to 10."


@finding("E078", hint='List the addresses that your proxies connect from: ["10.0.0.0/8"]; "unix" for a Unix socket.')
def find_header_of_no_proxy() -> Iterator[str]:
    """TRUSTED_CLIENT_IP_HEADER is set, but TRUSTED_PROXIES is empty: the header is never read."""
    if sound("TRUSTED_CLIENT_IP_HEADER") and not sound("TRUSTED_PROXIES"):
        yield "IHUYI['TRUSTED_CLIENT_IP_HEADER'] is set, but IHUYI['TRUSTED_PROXIES'] is empty."


@finding("E079", hint="Keep the one that your proxy writes, and remove the other.")
def find_two_headers() -> Iterator[str]:
    """TRUSTED_CLIENT_IP_HEADER and TRUSTED_PROXY_COUNT are both set: X-Forwarded-For is not read."""
    if sound("TRUSTED_CLIENT_IP_HEADER") and sound("TRUSTED_PROXY_COUNT") > 0:
        yield "IHUYI['TRUSTED_CLIENT_IP_HEADER'] and IHUYI['TRUSTED_PROXY_COUNT'] are both set."


@finding("E080", hint='Write addresses or networks ("10.0.0.7", "10.0.0.0/8", "2001:db8::/32"), or "unix".')
def find_wrong_proxies() -> Iterator[str]:
    """TRUSTED_PROXIES has an entry that is no address and no network, or that contains every address."""
    for entry in sound("TRUSTED_PROXIES"):
        if entry == UNIX:
            continue
        if not accepts(parse_proxy, entry):
            yield f"{entry!r} in IHUYI['TRUSTED_PROXIES'] is neither an address nor a network."
        elif parse_proxy(entry).prefixlen == 0:
            yield f"{entry!r} in IHUYI['TRUSTED_PROXIES'] trusts every stranger."


@finding("E081", hint='Write the name as it is sent: "X-Real-IP", not "HTTP_X_REAL_IP".')
def find_wrong_header() -> Iterator[str]:
    """TRUSTED_CLIENT_IP_HEADER is not the name of a header."""
    name = sound("TRUSTED_CLIENT_IP_HEADER")
    if name and not re.fullmatch(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*", name):
        yield f"IHUYI['TRUSTED_CLIENT_IP_HEADER'] is {name!r}, which is not the name of a header."


@finding("W008", hint=_NAME_THEM, deploy=True)
def find_uncounted_proxies() -> Iterator[str]:
    """Django's settings name a proxy, but IHUYI does not: all clients would share the proxy's address."""
    if any(sound("CLIENT_LIMITS").values()):
        yield from _complain_of_proxies()


@finding("W023", hint=_NAME_THEM, deploy=True)
def find_networks_behind_proxies() -> Iterator[str]:
    """Django's settings name a proxy: WEBHOOK_ADDRESSES would be compared with the proxy's address."""
    if sound("WEBHOOK_ADDRESSES"):
        yield from _complain_of_proxies()


def _complain_of_proxies() -> Iterator[str]:
    is_proxied = django_settings.SECURE_PROXY_SSL_HEADER or django_settings.USE_X_FORWARDED_HOST
    if is_proxied and not sound("TRUSTED_PROXY_COUNT") and not sound("TRUSTED_CLIENT_IP_HEADER"):
        yield "The site is behind a proxy, but neither TRUSTED_PROXY_COUNT nor TRUSTED_CLIENT_IP_HEADER is set."
