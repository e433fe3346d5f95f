"""Which channel reaches a phone."""

from __future__ import annotations

from django_ihuyi import phones
from django_ihuyi.backends import get_backend
from django_ihuyi.conf import settings
from django_ihuyi.exceptions import InvalidPhone, UnavailableChannel


def choose_channel(phone: str, wanted: str) -> str:
    """Return the channel that reaches a canonical number: "international" for a foreign one.

    Raises UnavailableChannel if it is not configured, or if only mainland numbers can be reached by the wanted one,
    and InvalidPhone for a number that nothing is sent to (DENIED_PREFIXES).
    """
    if phones.is_denied(phone):
        raise InvalidPhone("numbers that begin like this one are not sent to")
    channel = wanted
    if not phones.is_mainland(phone):
        channel = "international" if wanted == "sms" else wanted
        if channel != "international":
            raise UnavailableChannel("only the channel international reaches a foreign number")
    elif wanted == "international":
        raise UnavailableChannel("the channel international reaches foreign numbers only")
    check_channel(channel)  # before anything is claimed
    return channel


def check_channel(channel: str) -> None:
    """Raise UnavailableChannel unless it is one of CHANNELS; a misconfigured one shows itself."""
    if channel not in settings.CHANNELS:
        raise UnavailableChannel(f"IHUYI['CHANNELS'] does not name {channel!r}")
    get_backend(channel)
