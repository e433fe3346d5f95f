"""One real message, through the same limits as any other, and what became of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from time import monotonic

from django.db import router
from django.utils.translation import gettext as _

from django_ihuyi import delivery, phones, verification
from django_ihuyi.doctor.diagnoses import Diagnosis, Level
from django_ihuyi.doctor.phrases import ADVICE, FAULTS, explain
from django_ihuyi.exceptions import IhuyiError
from django_ihuyi.models import Message, Recipient, State
from django_ihuyi.models.messages import MessageQuerySet

SUBJECT = "message"
#: Seconds between two looks at a message that has not left yet.
PAUSE = 0.2


def send_notice(phone: str, *, template: str, variables: Sequence[str], channel: str, patience: float) -> Diagnosis:
    """Send a notice, and follow it."""
    return _try(
        phone,
        lambda: delivery.send(phone, template=template, variables=variables, channel=channel),
        patience=patience,
    )


def send_code(phone: str, *, purpose: str, patience: float) -> Diagnosis:
    """Send a code, and follow it; nobody is told the code but the phone."""
    return _try(phone, lambda: verification.send_code(phone, purpose=purpose), patience=patience)


def not_tried() -> Diagnosis:
    """Say that a message would only show what is already known."""
    text = _("No message was sent, because something fails.")
    return Diagnosis(level=Level.FAIL, subject=SUBJECT, text=text, advice=_("Set that right first."))


def judge_message(message: Message) -> Diagnosis:
    """Say what became of a message."""
    phone = phones.mask(message.phone)
    state = {"phone": phone, "state": message.get_state_display()}
    text = _("The message to %(phone)s is %(state)s.") % state
    if message.state in (State.SUBMITTED, State.DELIVERED):
        return Diagnosis(level=Level.OK, subject=SUBJECT, text=text, advice=_took(message))
    if message.state in (State.QUEUED, State.SENDING):
        advice = _("Nobody has called the platform yet: look whether a worker runs.")
        return Diagnosis(level=Level.WARN, subject=SUBJECT, text=text, advice=advice)
    level = Level.WARN if message.state == State.UNKNOWN else Level.FAIL
    return Diagnosis(level=level, subject=SUBJECT, text=text, advice=_reason(message))


def _try(phone: str, send: Callable[[], object], *, patience: float) -> Diagnosis:
    try:
        canonical = phones.parse(phone)
        before = _latest(canonical)
        send()
    except (IhuyiError, ValueError) as error:
        # A message of ours that was refused says more than the error does.
        message = None if isinstance(error, ValueError) else _latest(canonical)
        if message is None or (before is not None and message.pk == before.pk):
            return Diagnosis(level=Level.FAIL, subject=SUBJECT, text=f"{error}.")
        return judge_message(message)
    sent = _latest(canonical)
    assert sent is not None  # noqa: S101 - it was sent
    return judge_message(_follow(sent, patience=patience))


def _follow(message: Message, *, patience: float) -> Message:
    deadline = monotonic() + patience
    while message.state in (State.QUEUED, State.SENDING) and monotonic() < deadline:
        time.sleep(PAUSE)
        message.refresh_from_db(using=router.db_for_write(Message))
    return message


def _latest(phone: str) -> Message | None:
    return (
        _send_log()
        .filter(recipient__in=Recipient.objects.of(phone))
        .select_related("recipient")
        .order_by("-id")
        .first()
    )


def _send_log() -> MessageQuerySet:
    return Message.objects.using(router.db_for_write(Message))


def _took(message: Message) -> str:
    figures = {"seconds": message.duration or 0.0, "id": message.platform_id}
    return _("The call took %(seconds).2f seconds; the platform's id is %(id)s.") % figures


def _reason(message: Message) -> str:
    if message.result_code is not None:
        return f"{message.result_code}: {explain(message.result_code, message.channel)}"
    if message.fault in FAULTS:
        return f"{FAULTS[message.fault]} {ADVICE[message.fault]}"
    return message.result_text
