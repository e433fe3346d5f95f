"""send_code: decide, claim, write it all down, and only then let a message leave."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import router, transaction

from django_ihuyi import message_templates, phones, signals
from django_ihuyi.backends import get_backend
from django_ihuyi.client.results import Kind as ResultKind
from django_ihuyi.client.results import describe
from django_ihuyi.conf import settings
from django_ihuyi.dispatch import dispatch
from django_ihuyi.exceptions import LimitReached, NumberRefused, SendingUnavailable, UnknownChannel, UnknownPurpose
from django_ihuyi.limits import GuessBudget, Refusal, Rules, find_refusal
from django_ihuyi.models import (
    Kind,
    Message,
    Recipient,
    Standing,
    State,
    Verification,
    read_standing,
)
from django_ihuyi.verification import races
from django_ihuyi.verification.identity import parse_id

#: A code lives at most this long after it was first sent, however often it is sent again.
LONGEST_LIFE = timedelta(minutes=10)
#: With less than this left, a resend would bring a code that dies on the way: a new verification is made.
SHORTEST_REST = timedelta(minutes=2)

#: What the platform's limits tell the caller; the recipient's row remembers them longer and more exactly.
_LIMIT_REFUSALS = {
    ResultKind.THROTTLED: Refusal(code="resend_too_soon", retry_after=60),
    ResultKind.QUOTA: Refusal(code="number_limit", retry_after=86_400),
    ResultKind.SUPPRESSED: Refusal(code="number_limit", retry_after=86_400),
}
#: Seconds after which a caller may try again when the platform could not be reached, and when it refuses us.
_RETRY_UNREACHABLE, _RETRY_REFUSED = 5, 60


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
class _Reservation:
    now: datetime
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

    `client` names the requester's address for the send log. Inside a transaction of the caller the message leaves
    after its commit.

    Raises InvalidPhone, UnknownPurpose, UnknownChannel, LimitReached, NumberRefused or SendingUnavailable; then no code
    was sent.
    """
    canonical = phones.parse(phone)
    if purpose not in settings.PURPOSES:
        raise UnknownPurpose("name one of IHUYI['PURPOSES']")
    if channel not in settings.CHANNELS:
        raise UnknownChannel("name one of IHUYI['CHANNELS']")
    get_backend(channel)  # a misconfigured one shows itself before anything is claimed
    database = using or router.db_for_write(Verification)
    reservation = _reserve(
        canonical, purpose=purpose, named=parse_id(verification_id), channel=channel, client=client, using=database
    )
    message = dispatch(reservation.message, code=reservation.verification.code, using=database)
    _raise_unless_sent(message)
    return _issued(reservation, channel=channel)


def _reserve(phone: str, *, purpose: str, named: str | None, using: str, **origin: str) -> _Reservation:
    def attempt() -> _Reservation:
        standing = read_standing(phone, verification_id=named, using=using)
        _raise_if_refused(standing, purpose=purpose)
        with transaction.atomic(using=using):
            return _write(standing, purpose=purpose, using=using, **origin)

    try:
        return races.run(attempt, using=using)
    except races.TooBusy as error:
        raise SendingUnavailable(retry_after=1) from error


def _raise_if_refused(standing: Standing, *, purpose: str) -> None:
    closed_until = GuessBudget.load(standing.recipient.guesses, purpose).closed_until(standing.now)
    if closed_until:  # a code that may not be tried costs money for nothing
        raise _limit_reached(Refusal.until(closed_until, code="guess_limit", now=standing.now), phone=standing.phone)
    refusal = find_refusal(standing, purpose=purpose, kind=Kind.CODE, rules=_rules())
    if refusal is not None:
        raise _limit_reached(refusal, phone=standing.phone)


def _limit_reached(refusal: Refusal, *, phone: str) -> LimitReached:
    signals.limit_hit.send_robust(Recipient, code=refusal.code, retry_after=refusal.retry_after, phone=phone, client="")
    return LimitReached(refusal.code, retry_after=refusal.retry_after)


def _rules() -> Rules:
    return Rules(
        resend_interval=timedelta(seconds=settings.RESEND_INTERVAL),
        messages=settings.NUMBER_LIMITS["messages"],
        codes=settings.NUMBER_LIMITS["codes"],
    )


def _write(standing: Standing, *, purpose: str, channel: str, client: str, using: str) -> _Reservation:
    """Claim, and write verification and message; the order of the locks is that of a guess, so they never cross."""
    verification = _resend(standing, purpose=purpose, using=using)
    Recipient.objects.using(using).claim(standing.recipient)
    if verification is None:
        verification = Verification.objects.using(using).open(
            standing.recipient,
            purpose=purpose,
            code_length=settings.CODE_LENGTH,
            now=standing.now,
            lifetime=timedelta(seconds=settings.CODE_LIFETIME),
        )
    text = message_templates.masked(purpose, verification.code_length)
    message = Message.objects.using(using).create(
        recipient=standing.recipient,
        verification=verification,
        channel=channel,
        purpose=purpose,
        kind=Kind.CODE,
        text=text,
        parts=message_templates.count_parts(text),
        state=State.SENDING,
        client=client,
        created_at=standing.now,
    )
    return _Reservation(now=standing.now, verification=verification, message=message)


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


def _raise_unless_sent(message: Message) -> None:
    """A message that may have left was sent, as far as the caller is told."""
    if message.state == State.UNSENT:
        raise SendingUnavailable(retry_after=_RETRY_UNREACHABLE)
    if message.state != State.REFUSED:
        return
    kind = describe(message.result_code).kind if message.result_code is not None else None
    if kind is ResultKind.NUMBER:
        raise NumberRefused("the platform says that this number does not exist")
    if kind in _LIMIT_REFUSALS:
        raise _limit_reached(_LIMIT_REFUSALS[kind], phone=message.phone)
    raise SendingUnavailable(retry_after=_RETRY_REFUSED)


def _issued(reservation: _Reservation, *, channel: str) -> IssuedCode:
    verification, now = reservation.verification, reservation.now
    interval = settings.RESEND_INTERVAL
    return IssuedCode(
        verification_id=verification.pk,
        phone=verification.phone,
        purpose=verification.purpose,
        channel=channel,
        code_length=verification.code_length,
        expires_at=verification.expires_at,
        expires_in=int((verification.expires_at - now).total_seconds()),
        resend_at=now + timedelta(seconds=interval),
        resend_in=interval,
    )
