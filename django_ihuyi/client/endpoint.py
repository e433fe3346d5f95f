"""Which addresses may be handed our account and key."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import SplitResult, urlsplit

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
    """Raise ValueError, saying what to change, unless `url` is a safe address of the platform.

    `allowed_hosts` adds hosts of your own, as "host" or, for another port than 443, "host:port".
    `allow_loopback` lets a simulator on this machine be called, also by plain http.
    `allow_http` lets the platform's own hosts be called by plain http, where everybody on the way reads every message.
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
    _check_host(host, parts.port or 443, allowed_hosts)


def check_path(url: str) -> None:
    """Raise ValueError unless `url` is written as an address of the platform's interface, on whatever host."""
    if not re.fullmatch(r"[!-~]+", url):
        raise ValueError("the platform's address must be printable ASCII without blanks")
    parts = _split(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"the platform's address must be a whole URL such as {SMS_V1_URL}")
    if "@" in parts.netloc or "#" in url:
        raise ValueError("the platform's address must have neither user information nor a fragment")
    if not parts.path.endswith((".php", V2_SUBMIT)):
        raise ValueError(f"the platform's address must end in .php (as {SMS_V1_URL}) or {V2_SUBMIT} (as {SMS_V2_URL})")
    if parts.query not in ("", "method=Submit"):
        raise ValueError("the platform's address must have no query: the client puts it there")


def method_url(url: str, method: str) -> str:
    """Make the address of one method, `Submit` or `GetNum`, of a checked address."""
    base = url.partition("?")[0]
    if is_v2(url):
        return base.removesuffix(V2_SUBMIT) + f"/{method}.json"
    return f"{base}?method={method}"


def is_v2(url: str) -> bool:
    """Tell the second version of the interface (always JSON) by its path."""
    return url.partition("?")[0].endswith(V2_SUBMIT)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for a port that is not one
    except ValueError as error:
        raise ValueError("the platform's address is not a valid URL") from error
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_ip_address(host: str) -> bool:
    # Also what only inet_aton takes for an address: 2130706433, 0x7f.1, 127.1.
    return ":" in host or re.fullmatch(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*\.?", host) is not None


def _check_host(host: str, port: int, allowed_hosts: Collection[str]) -> None:
    allowed = {name.lower() for name in allowed_hosts}
    if f"{host}:{port}" in allowed or (port == 443 and host in PLATFORM_HOSTS | allowed):
        return
    known = ", ".join(sorted(PLATFORM_HOSTS))
    raise ValueError(f"{host}:{port} is no host of the platform ({known}); add it to the allowed hosts if it is yours")
