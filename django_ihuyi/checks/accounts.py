"""Findings about the channels that call the platform: account, address, transport security."""

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

#: Accounts and keys from documentation or the simulator, and placeholders.
SAMPLES = re.compile(
    r"(C|VC|VM|I|M)0{7}1|(0123456789abcdef){2}|(.)\2*|x{3,}.*|(your|my)[-_ ].*|<.*>|api_?(id|key)|account|test|secret",
    re.IGNORECASE,
)

Options = Mapping[str, Any]
Complain = Callable[[Options], str]

#: The findings about the options of one channel, in their order.
_COMPLAINTS: list[Complain] = []


def _options_finding(number: str, *, hint: str) -> Callable[[Complain], Complain]:
    """Register the decorated function, which returns a complaint about the options of one channel, as a finding."""

    def decorate(complain: Complain) -> Complain:
        def find() -> Iterator[str]:
            for entry in read_entries():
                complaint = entry.calls_the_platform and complain(entry.options)
                if complaint:
                    yield f"IHUYI['CHANNELS'][{entry.name!r}]: {complaint}."

        find.__doc__ = complain.__doc__
        finding(number, hint=hint)(find)
        _COMPLAINTS.append(complain)
        return complain

    return decorate


@_options_finding("E016", hint="Copy account (APIID) and api_key (APIKEY) from the user centre, one pair a product.")
def complain_of_account(options: Options) -> str:
    """A channel of the platform has no account or no key."""
    missing = [name for name in ("account", "api_key") if not options.get(name)]
    return f"{' and '.join(missing)} missing" if missing else ""


@_options_finding("E017", hint="Copy your own account and api_key from the platform's user centre.")
def complain_of_sample(options: Options) -> str:
    """A channel would call the real platform with an account or key from documentation."""
    samples = [name for name in ("account", "api_key") if SAMPLES.fullmatch(str(options.get(name) or ""))]
    # A simulator accepts any account, so only the platform's own hosts count.
    is_the_platforms = not _complain_of_host(options, allow_http=True)
    return f"{' and '.join(samples)} copied from documentation" if samples and is_the_platforms else ""


@_options_finding("E018", hint="Use https and a host of the platform, or add a host of yours to PLATFORM_HOSTS.")
def complain_of_url(options: Options) -> str:
    """A channel's url is not https, or its host is not the platform's."""
    return _complain_of_host(
        options,
        allowed_hosts=sound("PLATFORM_HOSTS"),
        allow_loopback=sound("ALLOW_LOOPBACK"),
        allow_http=bool(options.get("allow_http")),
    )


@_options_finding("E019", hint="Remove `verify`, or set it to the path of a file or folder of CA certificates.")
def complain_of_verify(options: Options) -> str:
    """A channel would not verify the platform's certificate, or the CA certificates for it do not exist."""
    verify = options.get("verify", True)
    if not verify:
        return "certificates would not be verified"
    is_there = verify is True or (isinstance(verify, (str, Path)) and Path(verify).exists())
    return "" if is_there else "`verify` is not a file or folder that exists"


@_options_finding("E020", hint="Leave connect_timeout at 3 and total_timeout at 8 seconds: the limits depend on it.")
def complain_of_timeouts(options: Options) -> str:
    """A channel's calls could take longer than 8 seconds, after which the next message to a number may be sent."""
    longest = CALL_DEADLINE.total_seconds()
    for name in ("connect_timeout", "total_timeout"):
        seconds = options.get(name, longest)
        if type(seconds) not in (int, float) or not 0 < seconds <= longest:
            return f"{name} must be a number of seconds up to {longest:g}"
    return ""


@finding("W003", hint="Leave dynamic_password on, so that the key itself is never transmitted.", deploy=True)
def find_static_passwords() -> Iterator[str]:
    """A channel sends its key with every message."""
    for entry in read_entries():
        if entry.calls_the_platform and not entry.options.get("dynamic_password", True):
            yield f"The channel {entry.name!r} has dynamic_password off."


@finding("W004", hint="Set ALLOW_LOOPBACK to False: only a simulator on the same machine needs it.", deploy=True)
def find_loopback() -> Iterator[str]:
    """ALLOW_LOOPBACK lets channels send to this machine over plain http."""
    if sound("ALLOW_LOOPBACK"):
        yield "IHUYI['ALLOW_LOOPBACK'] is on."


@finding("W013", hint="Set the channel's url to an https address, and remove allow_http.", deploy=True)
def find_plain_http() -> Iterator[str]:
    """A channel may call the platform over plain http: anyone on the network path can read every number and code."""
    for entry in read_entries():
        if entry.calls_the_platform and entry.options.get("allow_http"):
            yield f"The channel {entry.name!r} has allow_http on."


def complain_of_options(options: Options) -> str:
    """Return the first complaint of the findings above about the options of a channel, or an empty string."""
    return next(filter(None, (complain(options) for complain in _COMPLAINTS)), "")


def _complain_of_host(options: Options, **allowed: Any) -> str:
    try:
        check_endpoint(str(options.get("url", SMS_V1_URL)), **allowed)
    except ValueError as error:
        return str(error)
    return ""
