"""Send notices and marketing, and tell a caller what became of a message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from time import monotonic
from typing import Any

from django.db import router
from django.views.decorators.debug import sensitive_variables

from django_ihuyi import bulk
from django_ihuyi.calls import PAUSES
from django_ihuyi.client.results import ResultKind, describe
from django_ihuyi.dispatch import dispatch, leave_to_call
from django_ihuyi.exceptions import NotSent, NumberRefused, SendingUnavailable
from django_ihuyi.limits import Refusal
from django_ihuyi.limits.sends import LEARNED
from django_ihuyi.models import Kind, Message, State
from django_ihuyi.notices import compose
from django_ihuyi.phones import fixed_codes
from django_ihuyi.reservations import limit_reached, reserve

#: What is told of a number on the platform's blacklist: the same as of one that is full.
_SUPPRESSED = Refusal(code="number_limit", retry_after=86_400)
#: Seconds after which a caller may try again when the platform could not be reached, and when it refuses us.
_RETRY_UNREACHABLE, _RETRY_REFUSED = 5, 60


@dataclass(frozen=True, slots=True, kw_only=True)
class SendManyResult:
    """What became of a batch: the messages that left or may have left, and why the others did not."""

    sent: Sequence[Message]
    #: {the number as it was handed in: the error that `send` would raise for it}
    not_sent: Mapping[str, Exception] = field(repr=False)
    #: How many rows of the batch have left, or wait, since an earlier call.
    known: int = 0


@sensitive_variables()
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
    channel "international". Inside a transaction of the caller the message leaves after its commit. To a test number
    nothing is sent: its message is returned `unsent`.

    Raises InvalidPhone, UnknownTemplate, UnavailableChannel, ValueError for a wrong number of variables, and OptedOut,
    LimitReached, NumberRefused or SendingUnavailable when no message left.
    """
    asked_at = monotonic()
    notice = compose(phone, template=template, variables=variables, channel=channel, client=client)
    database = using or router.db_for_write(Message)
    with leave_to_call(notice.channel, phone=notice.phone):
        message = reserve(
            notice.phone, kind=Kind.NOTICE, purpose="", channel=notice.channel, draft=notice.draft, using=database
        )
        dispatch(message, using=database, asked_at=asked_at)
    raise_unless_sent(message)
    return message


@sensitive_variables()
def send_many(
    numbers: Iterable[str | bulk.Row], *, template: str, batch: str = "", using: str | None = None, **notice: Any
) -> SendManyResult:
    """Send one notice to many phones, one message each; takes the arguments of `send`.

    A `bulk.Row` in place of a number has variables of its own. With the name of a `batch`, a call that is repeated with
    the same numbers goes on where the first one stopped, and sends nothing twice; raises BatchChanged if they differ.
    """
    sent: list[Message] = []
    not_sent: dict[str, Exception] = {}
    known = 0
    for fate in chain.from_iterable(bulk.send(numbers, template=template, batch=batch, using=using, **notice)):
        try:
            if fate.is_known:
                known += 1
            elif fate.error is not None:
                raise fate.error
            elif fate.message is not None:
                raise_unless_sent(fate.message)
                sent.append(fate.message)
        except (ValueError, NotSent) as error:  # noqa: PERF203 - each number has its own fate
            not_sent[fate.number] = error
    return SendManyResult(sent=sent, not_sent=not_sent, known=known)


def is_for_test_number(message: Message) -> bool:
    """Say whether nothing left because the phone is a test number."""
    return message.fault == fixed_codes.FAULT


def raise_unless_sent(message: Message) -> None:
    """Raise what a settled message's caller is to be told; one that may have left, or never should, counts as sent."""
    if is_for_test_number(message):
        return
    if message.state == State.UNSENT:
        raise SendingUnavailable(retry_after=_RETRY_UNREACHABLE)
    if message.state != State.REFUSED:
        return
    kind = describe(message.result_code).kind if message.result_code is not None else None
    if kind is ResultKind.NUMBER:
        raise NumberRefused("the platform says that this number does not exist")
    if kind is ResultKind.SUPPRESSED:
        raise limit_reached(_SUPPRESSED, phone=message.phone)
    if message.result_code in PAUSES:
        field, pause = PAUSES[message.result_code]
        told = Refusal(code=LEARNED[field], retry_after=round(pause.total_seconds()))
        raise limit_reached(told, phone=message.phone)
    raise SendingUnavailable(retry_after=_RETRY_REFUSED)
