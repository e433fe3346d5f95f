"""Findings about the channels that call the platform: whose account, which address, how safely."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from django_ihuyi.checks.entries import read_entries
from django_ihuyi.checks.findings import finding
from django_ihuyi.checks.names import sound
from django_ihuyi.client.endpoint import SMS_V1_URL, check_endpoint
from django_ihuyi.limits.messages import CALL_DEADLINE

#: What stands in documentation, in the simulator or in nobody's user centre.
SAMPLES = re.compile(
    r"(C|VC|VM|I|M)0{7}1|(0123456789abcdef){2}|(.)\2*|x{3,}.*|(your|my)[-_ ].*|<.*>|api_?(id|key)|account|test|secret",
    re.IGNORECASE,
)

Options = Mapping[str, Any]
Complain = Callable[[Options], str]


@finding("E016", hint="Take account (APIID) and api_key (APIKEY) from the platform's user centre, one pair a product.")
def find_missing_accounts() -> Iterator[str]:
    """A channel of the platform has no account or no key."""
    yield from _look_at_each(_complain_of_account)


@finding("E017", hint="Take your own account and api_key from the platform's user centre.")
def find_sample_accounts() -> Iterator[str]:
    """A channel would call the real platform with an account or key out of some documentation."""
    yield from _look_at_each(_complain_of_sample)


@finding("E018", hint="Use https and a host of the platform, or add the host to PLATFORM_HOSTS if it is yours.")
def find_unsafe_urls() -> Iterator[str]:
    """A channel's url is not https, or names a host that is not the platform's."""
    yield from _look_at_each(_complain_of_url)


@finding("E019", hint="Leave `verify` out, or set it to the path of a file or folder of CA certificates.")
def find_no_verification() -> Iterator[str]:
    """A channel would not check the platform's certificate, or with certificates that are not there."""
    yield from _look_at_each(_complain_of_verify)


@finding("E020", hint="Leave connect_timeout at 3 and total_timeout at 8 seconds: the limits count on it.")
def find_wrong_timeouts() -> Iterator[str]:
    """A channel's calls could take longer than 8 seconds, after which the next message to a number may leave."""
    yield from _look_at_each(_complain_of_timeouts)


@finding("W003", hint="Leave dynamic_password on, so that the key itself never travels.", deploy=True)
def find_static_passwords() -> Iterator[str]:
    """A channel sends its key with every message."""
    for entry in read_entries():
        if entry.calls_the_platform and not entry.options.get("dynamic_password", True):
            yield f"The channel {entry.name!r} has dynamic_password off."


@finding("W004", hint="Set ALLOW_LOOPBACK to False: only a simulator beside the site needs it.", deploy=True)
def find_loopback() -> Iterator[str]:
    """ALLOW_LOOPBACK lets messages go to this machine, by plain http."""
    if sound("ALLOW_LOOPBACK"):
        yield "IHUYI['ALLOW_LOOPBACK'] is on."


@finding("W013", hint="Give the channel an address that begins with https, and leave allow_http out.", deploy=True)
def find_plain_http() -> Iterator[str]:
    """A channel may call the platform by plain http: whoever is on the way reads every number and every code."""
    for entry in read_entries():
        if entry.calls_the_platform and entry.options.get("allow_http"):
            yield f"The channel {entry.name!r} has allow_http on."


def complain_of_options(options: Options) -> str:
    """Return the first complaint of the findings above about the options of a channel, or nothing."""
    return next(filter(None, (complain(options) for complain in _COMPLAINTS)), "")


def _look_at_each(complain: Complain) -> Iterator[str]:
    for entry in read_entries():
        complaint = entry.calls_the_platform and complain(entry.options)
        if complaint:
            yield f"IHUYI['CHANNELS'][{entry.name!r}]: {complaint}."


def _complain_of_account(options: Options) -> str:
    missing = [name for name in ("account", "api_key") if not options.get(name)]
    return f"{' and '.join(missing)} missing" if missing else ""


def _complain_of_sample(options: Options) -> str:
    samples = [name for name in ("account", "api_key") if SAMPLES.fullmatch(str(options.get(name) or ""))]
    # A simulator may have what it likes: only the platform's own hosts are looked at.
    return f"{' and '.join(samples)} out of some documentation" if samples and _is_the_platforms(options) else ""


def _is_the_platforms(options: Options) -> bool:
    return not _complain_of_host(options, allow_http=True)


def _complain_of_url(options: Options) -> str:
    hosts, allow_loopback = sound("PLATFORM_HOSTS"), sound("ALLOW_LOOPBACK")
    allow_http = bool(options.get("allow_http"))
    return _complain_of_host(options, allowed_hosts=hosts, allow_loopback=allow_loopback, allow_http=allow_http)


def _complain_of_host(options: Options, **allowed: Any) -> str:
    try:
        check_endpoint(str(options.get("url", SMS_V1_URL)), **allowed)
    except ValueError as error:
        return str(error)
    return ""


def _complain_of_verify(options: Options) -> str:
    verify = options.get("verify", True)
    if not verify:
        return "certificates would not be verified"
    is_there = verify is True or (isinstance(verify, (str, Path)) and Path(verify).exists())
    return "" if is_there else "`verify` is not a file or folder that exists"


def _complain_of_timeouts(options: Options) -> str:
    longest = CALL_DEADLINE.total_seconds()
    for name in ("connect_timeout", "total_timeout"):
        seconds = options.get(name, longest)
        if type(seconds) not in (int, float) or not 0 < seconds <= longest:
            return f"{name} must be a number of seconds up to {longest:g}"
    return ""


_COMPLAINTS = [
    _complain_of_account,
    _complain_of_sample,
    _complain_of_url,
    _complain_of_verify,
    _complain_of_timeouts,
]
