"""A notice before it is written: its number parsed, its channel chosen, its text made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django_ihuyi import phones
from django_ihuyi.backends import get_backend
from django_ihuyi.conf import settings
from django_ihuyi.dispatch import initial_state
from django_ihuyi.exceptions import InvalidPhone, OptedOut, UnavailableChannel, UnknownTemplate
from django_ihuyi.models import Kind, Message, Standing
from django_ihuyi.texts import templates


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What shall leave, and by which channel."""

    phone: str = field(repr=False)
    channel: str
    template: str
    variables: Sequence[str] = field(repr=False)
    text: str = field(repr=False)
    client: str = field(repr=False)

    def draft(self, standing: Standing) -> Message:
        """Return the message to write. Raises OptedOut."""
        if self.channel == "marketing" and standing.recipient.opted_out_at:
            raise OptedOut("this phone asked for no more advertisements")
        return Message(
            recipient=standing.recipient,
            channel=self.channel,
            kind=Kind.NOTICE,
            template=self.template,
            variables=list(self.variables),
            text=self.text,
            parts=templates.count_billed_parts(self.text),
            state=initial_state(),
            client=self.client,
            created_at=standing.now,
        )


def compose(phone: str, *, template: str, variables: Sequence[str], channel: str, client: str = "") -> Notice:
    """Make a notice for a number in any spelling.

    Raises InvalidPhone, UnknownTemplate, UnavailableChannel, and ValueError for a wrong number of variables.
    """
    canonical = phones.parse(phone)
    check_template(template)
    return Notice(
        phone=canonical,
        channel=choose_channel(canonical, channel),
        template=template,
        variables=variables,
        text=templates.render(template, variables),
        client=client,
    )


def check_template(template: str) -> None:
    """Raise UnknownTemplate unless it is one of TEMPLATES."""
    if template not in settings.TEMPLATES:
        raise UnknownTemplate("name one of IHUYI['TEMPLATES']")


def check_channel(channel: str) -> None:
    """Raise UnavailableChannel unless it is one of CHANNELS; a misconfigured one shows itself."""
    if channel not in settings.CHANNELS:
        raise UnavailableChannel(f"IHUYI['CHANNELS'] does not name {channel!r}")
    get_backend(channel)


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
