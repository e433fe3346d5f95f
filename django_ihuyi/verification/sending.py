"""send_code: decide, claim, write it all down, and only then let a message leave."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from django.db import router

from django_ihuyi import message_templates, phones
from django_ihuyi.conf import settings
from django_ihuyi.delivery import choose_channel, raise_unless_sent
from django_ihuyi.dispatch import dispatch
from django_ihuyi.exceptions import UnavailableChannel, UnknownPurpose
from django_ihuyi.models import Kind, Message, Recipient, Standing, State, Verification
from django_ihuyi.reservations import reserve
from django_ihuyi.verification.identity import parse_id

#: A code lives at most this long after it was first sent, however often it is sent again.
LONGEST_LIFE = timedelta(minutes=10)
#: With less than this left, a resend would bring a code that dies on the way: a new verification is made.
SHORTEST_REST = timedelta(minutes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCode:
    """A code that left for its phone, or may have left. Times are the database's; durations are whole seconds."""

    verification_id: str
    phone: str = field(repr=False)
    purpose: str
    channel: str
    code_length: int
    expires_at: datetime
    expires_in: int
    resend_at: datetime
    resend_in: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reserved:
    verification: Verification
    message: Message


def send_code(
    phone: str,
    *,
    purpose: str,
    verification_id: str | None = None,
    channel: str = "sms",
    client: str = "",
    using: str | None = None,
) -> IssuedCode:
    """Send a code for `purpose` to `phone`; with the id of a live verification of both, the same code again.

    The channel "voice" speaks the code of such a verification, after a message brought it; a foreign number goes by
    "international". `client` names the requester's address for the send log. Inside a transaction of the caller the
    message leaves after its commit.

    Raises InvalidPhone, UnknownPurpose, UnavailableChannel, LimitReached, NumberRefused or SendingUnavailable; then no
    code was sent.
    """
    canonical = phones.parse(phone)
    if purpose not in settings.PURPOSES:
        raise UnknownPurpose("name one of IHUYI['PURPOSES']")
    by = choose_channel(canonical, channel)
    database = using or router.db_for_write(Verification)
    reserved = reserve(
        canonical,
        kind=Kind.CODE,
        purpose=purpose,
        channel=by,
        verification_id=parse_id(verification_id),
        write=partial(_write, purpose=purpose, channel=by, client=client, using=database),
        using=database,
    )
    dispatch(reserved.message, using=database)
    raise_unless_sent(reserved.message)
    return _issued(reserved)


def _write(standing: Standing, *, purpose: str, channel: str, client: str, using: str) -> _Reserved:
    """Claim, and write verification and message; the order of the locks is that of a guess, so they never cross."""
    verification = _resend(standing, purpose=purpose, using=using)
    if channel == "voice" and not _was_sent(verification, standing):
        raise UnavailableChannel("a call speaks a code that a message was sent with before: send that first")
    Recipient.objects.using(using).claim(standing.recipient)
    if verification is None:
        verification = Verification.objects.using(using).open(
            standing.recipient,
            purpose=purpose,
            code_length=settings.CODE_LENGTH,
            now=standing.now,
            lifetime=timedelta(seconds=settings.CODE_LIFETIME),
        )
    template = message_templates.template_of(purpose)
    text = message_templates.render(template, ["*" * verification.code_length])
    message = Message.objects.using(using).create(
        recipient=standing.recipient,
        verification=verification,
        channel=channel,
        purpose=purpose,
        kind=Kind.CODE,
        template=template,
        text=text,
        parts=message_templates.count_billed_parts(text),
        state=State.SENDING,
        client=client,
        created_at=standing.now,
    )
    return _Reserved(verification=verification, message=message)


def _resend(standing: Standing, *, purpose: str, using: str) -> Verification | None:
    """Return the verification that was named, its life extended, if a resend of it is due."""
    verification = standing.verification
    if verification is None or verification.purpose != purpose:
        return None
    if not verification.is_live(standing.now, max_attempts=settings.MAX_ATTEMPTS) or not verification.code:
        return None
    until = min(standing.now + timedelta(seconds=settings.CODE_LIFETIME), verification.created_at + LONGEST_LIFE)
    if until - standing.now < SHORTEST_REST:
        return None
    Verification.objects.using(using).extend(verification, until=until)
    verification.expires_at = until
    return verification


def _was_sent(verification: Verification | None, standing: Standing) -> bool:
    return verification is not None and any(
        message.verification_id == verification.pk and message.channel != "voice" and message.counted
        for message in standing.messages
    )


def _issued(reserved: _Reserved) -> IssuedCode:
    verification, now = reserved.verification, reserved.message.created_at
    interval: int = settings.RESEND_INTERVAL
    return IssuedCode(
        verification_id=verification.pk,
        phone=verification.phone,
        purpose=verification.purpose,
        channel=reserved.message.channel,
        code_length=verification.code_length,
        expires_at=verification.expires_at,
        expires_in=int((verification.expires_at - now).total_seconds()),
        resend_at=now + timedelta(seconds=interval),
        resend_in=interval,
    )
