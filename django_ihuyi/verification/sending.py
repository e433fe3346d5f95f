"""send_code: decide, claim and write a message; only then call the platform."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import Any, cast

from django.db import router
from django.views.decorators.debug import sensitive_variables

from django_ihuyi import phones
from django_ihuyi.conf import settings
from django_ihuyi.delivery.dispatch import dispatch, permit_to_call
from django_ihuyi.delivery.outcomes import raise_unless_sent
from django_ihuyi.delivery.reservation import reserve
from django_ihuyi.delivery.routing import Route, choose_channel, choose_route, load_policy
from django_ihuyi.exceptions import LimitReached, NumberRefused, UnavailableChannel, UnknownPurpose
from django_ihuyi.guards import CaptchaWanted, Wanted, guarded
from django_ihuyi.models import Kind, Message, Verification
from django_ihuyi.models.sql.snapshot import Snapshot, read_snapshot
from django_ihuyi.models.verifications import parse_id
from django_ihuyi.texts import templates
from django_ihuyi.verification import marks

#: A code expires this long after it was first sent, however often it is sent again.
LONGEST_LIFE = timedelta(minutes=10)
#: If a resent code would expire sooner than this, it might expire on its way: a new verification is made instead.
SHORTEST_REMAINDER = timedelta(minutes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCode:
    """A code that was sent, or may have been. Times are by the database's clock; durations are whole seconds."""

    verification_id: str
    phone: str = field(repr=False)
    purpose: str
    channel: str
    code_length: int
    expires_at: datetime
    expires_in: int
    resend_at: datetime
    resend_in: int


@sensitive_variables()
def send_code(
    phone: str,
    *,
    purpose: str,
    verification_id: str | None = None,
    channel: str = "sms",
    client: str = "",
    user: str = "",
    captcha: Mapping[str, Any] | None = None,
    device: str = "",
    using: str | None = None,
) -> IssuedCode:
    """Send a code for `purpose` to `phone`; with the id of a live verification of both, send the same code again.

    The channel "voice" speaks the code of a verification whose code was sent by a message before. A foreign number uses
    the channel "international". `client` is the requester's address (`client_addresses.client_of`), `user` a primary
    key as text, `captcha` the solution of a captcha, and `device` the client's device marks, joined by dots; the guards
    of GUARDS decide by these, and the send log keeps `client`. Inside a transaction of the caller the message leaves
    after the commit. If the purpose's POLICY returns False, no code is sent, but the return value is as if one had
    been.

    Raise InvalidPhone, UnknownPurpose, UnavailableChannel, LimitReached, NumberRefused, CaptchaRequired, CaptchaFailed
    or SendingUnavailable; then no code was sent. Raise TransactionManagementError inside a transaction of the caller if
    GUARDS has the captcha's guard, and the purpose's rule is not "never".
    """
    asked_at = monotonic()
    canonical = phones.parse(phone)
    if purpose not in settings.PURPOSES:
        raise UnknownPurpose("name one of IHUYI['PURPOSES']")
    by = choose_channel(canonical, channel)
    route = choose_route(canonical, purpose=purpose)
    database = using or router.db_for_write(Verification)
    is_marked = _is_marked(device, phone=canonical, using=database)
    wanted = Wanted(
        phone=canonical,
        purpose=purpose,
        channel=by,
        client=client,
        user=user,
        is_marked=is_marked,
        captcha=captcha,
    )
    decoy = not load_policy(purpose)(wanted)
    # Ask for a permit once before the guards, so that no captcha is wasted while the platform is down. Hold no slot
    # while they run: a captcha service that hangs must not block other sends.
    with permit_to_call(by, route=route):
        pass
    draft = partial(_draft, wanted=wanted, route=route, decoy=decoy)
    send = partial(_send, route=route, draft=draft, verification_id=parse_id(verification_id), asked_at=asked_at)
    try:
        return _issued(send(wanted, using=database))
    except CaptchaWanted as late:
        return _issued(send(late.wanted, using=database))


@sensitive_variables()
def _send(
    wanted: Wanted,
    *,
    route: Route,
    draft: Callable[[Snapshot], Message],
    verification_id: str | None,
    asked_at: float,
    using: str,
) -> Message:
    with guarded(wanted, using=using) as guards, permit_to_call(wanted.channel, route=route):
        message = reserve(
            wanted.phone,
            kind=Kind.CODE,
            purpose=wanted.purpose,
            channel=wanted.channel,
            route=route,
            verification_id=verification_id,
            is_marked=wanted.is_marked,
            draft=draft,
            admit=guards.claim,
            using=using,
        )
        dispatch(message, route=route, using=using, asked_at=asked_at)
        try:
            raise_unless_sent(message)
        except (NumberRefused, LimitReached):
            guards.give_back(is_refused=True)
            raise
        if route is Route.WITHHELD:
            guards.give_back()
    return message


def _is_marked(device: str, *, phone: str, using: str) -> bool:
    held = marks.read_of(phone, device)
    if not held:
        return False
    snapshot = read_snapshot(phone, using=using)
    return any(mark.counts(snapshot.recipients, snapshot.now) for mark in held)


def _draft(snapshot: Snapshot, *, wanted: Wanted, route: Route, decoy: bool) -> Message:
    purpose, channel = wanted.purpose, wanted.channel
    # A resend keeps the policy's first answer: if `decoy` could change, a resend would show who has registered.
    verification = _find_resend(snapshot, purpose=purpose)
    if channel == "voice" and route is not Route.WITHHELD and not _was_sent(verification, snapshot):
        raise UnavailableChannel("a call speaks a code that a message was sent with before: send that first")
    if verification is None:
        verification = Verification.issue(
            snapshot.recipient,
            purpose=purpose,
            code_length=settings.CODE_LENGTH,
            now=snapshot.now,
            lifetime=timedelta(seconds=settings.CODE_LIFETIME),
            decoy=decoy,
        )
    template = templates.template_of(purpose)
    text = templates.render(template, ["*" * verification.code_length])
    return Message(
        recipient=snapshot.recipient,
        verification=verification,
        channel=channel,
        purpose=purpose,
        kind=Kind.CODE,
        template=template,
        text=text,
        parts=templates.count_billed_parts(text),
        client=wanted.client,
        created_at=snapshot.now,
        # A customer's codes must not hide those of an attack, nor count as some.
        sampled_at=None if route is Route.WITHHELD or wanted.is_marked else snapshot.now,
    )


def _find_resend(snapshot: Snapshot, *, purpose: str) -> Verification | None:
    """Return the requested verification, with its new `expires_at`, if its code can be sent again."""
    verification = snapshot.verification
    if verification is None or verification.purpose != purpose:
        return None
    if not verification.is_live(snapshot.now, max_attempts=settings.MAX_ATTEMPTS) or not verification.code:
        return None
    until = min(snapshot.now + timedelta(seconds=settings.CODE_LIFETIME), verification.created_at + LONGEST_LIFE)
    if until - snapshot.now < SHORTEST_REMAINDER:
        return None
    verification.expires_at = until
    return verification


def _was_sent(verification: Verification | None, snapshot: Snapshot) -> bool:
    return verification is not None and any(
        message.verification_id == verification.pk
        and message.channel != "voice"
        and message.counted
        and not message.is_overdue(snapshot.now)
        for message in snapshot.messages
    )


def _issued(message: Message) -> IssuedCode:
    verification, now = cast(Verification, message.verification), message.created_at
    interval: int = settings.RESEND_INTERVAL
    return IssuedCode(
        verification_id=verification.pk,
        phone=verification.phone,
        purpose=verification.purpose,
        channel=message.channel,
        code_length=verification.code_length,
        expires_at=verification.expires_at,
        expires_in=int((verification.expires_at - now).total_seconds()),
        resend_at=now + timedelta(seconds=interval),
        resend_in=interval,
    )
