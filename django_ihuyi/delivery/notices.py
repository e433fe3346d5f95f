"""Send a notice. Its number, channel and text are checked before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic

from django.db import router
from django.views.decorators.debug import sensitive_variables

from django_ihuyi import phones
from django_ihuyi.conf import settings
from django_ihuyi.delivery.dispatch import dispatch, permit_to_call
from django_ihuyi.delivery.outcomes import raise_unless_sent
from django_ihuyi.delivery.reservation import Write, reserve
from django_ihuyi.delivery.routing import Route, choose_channel, choose_route
from django_ihuyi.exceptions import OptedOut, UnknownTemplate
from django_ihuyi.models import Kind, Message
from django_ihuyi.models.sql.claim import write_claimed
from django_ihuyi.models.sql.snapshot import Snapshot
from django_ihuyi.texts import templates


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A checked notice, ready to send."""

    phone: str = field(repr=False)
    channel: str
    template: str
    variables: Sequence[str] = field(repr=False)
    text: str = field(repr=False)
    client: str = field(repr=False)

    def draft(self, snapshot: Snapshot) -> Message:
        """Return the message to write. Raises OptedOut."""
        if self.channel == "marketing" and snapshot.is_opted_out:
            raise OptedOut("this phone opted out of advertisements")
        return Message(
            recipient=snapshot.recipient,
            channel=self.channel,
            kind=Kind.NOTICE,
            template=self.template,
            variables=list(self.variables),
            text=self.text,
            parts=templates.count_billed_parts(self.text),
            client=self.client,
            created_at=snapshot.now,
        )

    def reserve(self, *, route: Route, using: str, write: Write = write_claimed) -> Message:
        """Write the message if the limits admit it. Raises OptedOut, LimitReached or SendingUnavailable."""
        return reserve(
            self.phone,
            kind=Kind.NOTICE,
            purpose="",
            channel=self.channel,
            route=route,
            draft=self.draft,
            using=using,
            write=write,
        )


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
    """Send a notice, or on the channel "marketing" an advertisement, made from a template and its variables.

    It counts for the number's limit of all messages (4082), not for that of codes. A foreign number gets it on the
    channel "international". Inside a transaction of the caller the message leaves after the commit. A message to a test
    number is not sent, and is returned `unsent`.

    Raises InvalidPhone, UnknownTemplate, UnavailableChannel, and ValueError for a wrong number of variables. Raises
    OptedOut, LimitReached, NumberRefused or SendingUnavailable if no message left.
    """
    asked_at = monotonic()
    notice = compose(phone, template=template, variables=variables, channel=channel, client=client)
    database = using or router.db_for_write(Message)
    route = choose_route(notice.phone)
    with permit_to_call(notice.channel, route=route):
        message = notice.reserve(route=route, using=database)
        dispatch(message, route=route, using=database, asked_at=asked_at)
    raise_unless_sent(message)
    return message


def compose(phone: str, *, template: str, variables: Sequence[str], channel: str, client: str = "") -> Notice:
    """Return a notice for a number in any spelling.

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
