"""Addresses of the platform, and which addresses may get the account and key."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import urlsplit

#: SMS, first version: XML or JSON.
SMS_V1_URL = "https://106.ihuyi.com/webservice/sms.php"
#: SMS, second version: always JSON.
SMS_V2_URL = "https://api.ihuyi.com/sms/Submit.json"

#: The platform's hosts, of all its products.
PLATFORM_HOSTS = frozenset(
    {
        "106.ihuyi.com",
        "106.ihuyi.cn",
        "api.ihuyi.com",
        "api.isms.ihuyi.com",
        "api.voice.ihuyi.com",
        "api.vm.ihuyi.com",
        "api.yx.ihuyi.com",
    }
)

V2_SUBMIT = "/Submit.json"


def check_endpoint(
    url: str,
    *,
    allowed_hosts: Collection[str] = (),
    allow_loopback: bool = False,
    allow_http: bool = False,
) -> None:
    """Raise ValueError, with the change to make, unless `url` is a safe address of the platform.

    - `allowed_hosts` adds hosts of your own, as "host" or, for another port than 443, "host:port".
    - `allow_loopback` allows a simulator on this machine, also by plain http.
    - `allow_http` allows the platform's own hosts by plain http, where the network in between can read each message.
    """
    check_path(url)
    parts = urlsplit(url)
    host = parts.hostname or ""
    if allow_loopback and _is_loopback(host):
        return
    if allow_http and parts.scheme == "http" and host in PLATFORM_HOSTS and parts.port in (None, 80):
        return
    if parts.scheme != "https":
        raise ValueError("the platform's address must begin with https:// (plain http is for loopback, if allowed)")
    if _is_ip_address(host):
        raise ValueError("the platform's address must name a host, not an IP address: certificates are for names")
    port = parts.port or 443
    allowed = {name.lower() for name in allowed_hosts}
    if f"{host}:{port}" in allowed or (port == 443 and host in PLATFORM_HOSTS | allowed):
        return
    known = ", ".join(sorted(PLATFORM_HOSTS))
    raise ValueError(f"{host}:{port} is no host of the platform ({known}); add it to the allowed hosts if it is yours")


def check_path(url: str) -> None:
    """Raise ValueError unless `url` has the form of an address of the platform's API, on any host."""
    # Parsers of URLs disagree about other characters: the host that is checked might not be the one that is called.
    if not re.fullmatch(r"[!-~]+", url):
        raise ValueError("the platform's address must be printable ASCII without blanks")
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for a port that is not one
    except ValueError as error:
        raise ValueError("the platform's address is not a valid URL") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"the platform's address must be a whole URL such as {SMS_V1_URL}")
    if "@" in parts.netloc or "#" in url:
        raise ValueError("the platform's address must have neither user information nor a fragment")
    if not parts.path.endswith((".php", V2_SUBMIT)):
        raise ValueError(f"the platform's address must end in .php (as {SMS_V1_URL}) or {V2_SUBMIT} (as {SMS_V2_URL})")
    if parts.query not in ("", "method=Submit"):
        raise ValueError("the platform's address must have no query: the client puts it there")


def method_url(url: str, method: str) -> str:
    """Return the address of one method, `Submit` or `GetNum`, from a checked address."""
    base = url.partition("?")[0]
    if is_v2(url):
        return base.removesuffix(V2_SUBMIT) + f"/{method}.json"
    return f"{base}?method={method}"


def is_v2(url: str) -> bool:
    """Return True for an address of the second version of the API, which always answers in JSON."""
    return url.partition("?")[0].endswith(V2_SUBMIT)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_ip_address(host: str) -> bool:
    # Also what only inet_aton, and so getaddrinfo, takes for an address: 2130706433, 0x7f.1, 127.1.
    return ":" in host or re.fullmatch(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*\.?", host) is not None
