"""Send notices and marketing, and tell a caller what became of a message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import router

from django_ihuyi import message_templates, phones
from django_ihuyi.backends import get_backend
from django_ihuyi.client.results import Kind as ResultKind
from django_ihuyi.client.results import describe
from django_ihuyi.conf import settings
from django_ihuyi.dispatch import dispatch
from django_ihuyi.exceptions import (
    InvalidPhone,
    NotSent,
    NumberRefused,
    OptedOut,
    SendingUnavailable,
    UnavailableChannel,
    UnknownTemplate,
)
from django_ihuyi.limits import Refusal
from django_ihuyi.models import Kind, Message, Recipient, Standing, State
from django_ihuyi.reservations import limit_reached, reserve

#: What the platform's limits tell the caller; the recipient's row remembers them longer and more exactly.
_LIMIT_REFUSALS = {
    ResultKind.THROTTLED: Refusal(code="resend_too_soon", retry_after=60),
    ResultKind.QUOTA: Refusal(code="number_limit", retry_after=86_400),
    ResultKind.SUPPRESSED: Refusal(code="number_limit", retry_after=86_400),
}
#: Seconds after which a caller may try again when the platform could not be reached, and when it refuses us.
_RETRY_UNREACHABLE, _RETRY_REFUSED = 5, 60


@dataclass(frozen=True, slots=True, kw_only=True)
class SendManyResult:
    """What became of a batch: the messages that left or may have left, and why the others did not."""

    sent: Sequence[Message]
    #: {what was handed in: the error that `send` raised for it}
    not_sent: Mapping[str, InvalidPhone | NotSent] = field(repr=False)


def send(
    phone: str,
    *,
    template: str,
    variables: Sequence[str] = (),
    channel: str = "sms",
    client: str = "",
    using: str | None = None,
) -> Message:
    """Send a notice, or on the channel "marketing" an advertisement, made of a template and its variables.

    It counts for the number's limit of all messages (4082), not for that of codes. A foreign number goes by the
    channel "international". Inside a transaction of the caller the message leaves after its commit.

    Raises InvalidPhone, UnknownTemplate, UnavailableChannel, ValueError for a wrong number of variables, and OptedOut,
    LimitReached, NumberRefused or SendingUnavailable when no message left.
    """
    canonical = phones.parse(phone)
    if template not in settings.TEMPLATES:
        raise UnknownTemplate("name one of IHUYI['TEMPLATES']")
    by = choose_channel(canonical, channel)
    text = message_templates.render(template, variables)
    database = using or router.db_for_write(Message)

    def write(standing: Standing) -> Message:
        if by == "marketing" and standing.recipient.opted_out_at:
            raise OptedOut("this phone asked for no more advertisements")
        Recipient.objects.using(database).claim(standing.recipient)
        return Message.objects.using(database).create(
            recipient=standing.recipient,
            channel=by,
            kind=Kind.NOTICE,
            template=template,
            variables=list(variables),
            text=text,
            parts=message_templates.count_billed_parts(text),
            state=State.SENDING,
            client=client,
            created_at=standing.now,
        )

    message = reserve(canonical, kind=Kind.NOTICE, purpose="", channel=by, write=write, using=database)
    dispatch(message, using=database)
    raise_unless_sent(message)
    return message


def send_many(numbers: Iterable[str], **notice: Any) -> SendManyResult:
    """Send one notice to many phones, one message each; takes the arguments of `send`."""
    sent: list[Message] = []
    not_sent: dict[str, InvalidPhone | NotSent] = {}
    for number in numbers:
        try:
            sent.append(send(number, **notice))
        except (InvalidPhone, NotSent) as error:  # noqa: PERF203 - each number has its own fate
            not_sent[number] = error
    return SendManyResult(sent=sent, not_sent=not_sent)


def choose_channel(phone: str, wanted: str) -> str:
    """Return the channel that reaches a canonical number: "international" for a foreign one.

    Raises UnavailableChannel if it is not configured, or if only mainland numbers can be reached by the wanted one.
    """
    channel = wanted
    if not phones.is_mainland(phone):
        channel = "international" if wanted == "sms" else wanted
        if channel != "international":
            raise UnavailableChannel("only the channel international reaches a foreign number")
    elif wanted == "international":
        raise UnavailableChannel("the channel international reaches foreign numbers only")
    if channel not in settings.CHANNELS:
        raise UnavailableChannel(f"IHUYI['CHANNELS'] does not name {channel!r}")
    get_backend(channel)  # a misconfigured one shows itself before anything is claimed
    return channel


def raise_unless_sent(message: Message) -> None:
    """Raise what a settled message's caller is to be told; one that may have left counts as sent."""
    if message.state == State.UNSENT:
        raise SendingUnavailable(retry_after=_RETRY_UNREACHABLE)
    if message.state != State.REFUSED:
        return
    kind = describe(message.result_code).kind if message.result_code is not None else None
    if kind is ResultKind.NUMBER:
        raise NumberRefused("the platform says that this number does not exist")
    if kind in _LIMIT_REFUSALS:
        raise limit_reached(_LIMIT_REFUSALS[kind], phone=message.phone)
    raise SendingUnavailable(retry_after=_RETRY_REFUSED)
