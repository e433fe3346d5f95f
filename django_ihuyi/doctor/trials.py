"""One real message, sent within the usual limits and followed."""

from __future__ import annotations

import time
from collections.abc import Callable
from time import monotonic

from django.db import router
from django.utils.translation import gettext as _

from django_ihuyi import phones
from django_ihuyi.doctor.diagnoses import Diagnosis, fail, ok, warn
from django_ihuyi.doctor.phrases import ADVICE, FAULTS, explain
from django_ihuyi.exceptions import IhuyiError
from django_ihuyi.models import Message, Recipient, State

SUBJECT = "message"
#: Seconds between two reads of a message that has not been sent yet.
PAUSE = 0.2


def send_and_follow(phone: str, send: Callable[[], object], *, patience: float) -> Diagnosis:
    """Call `send`, which sends a message to `phone`, and wait up to `patience` seconds for its result."""
    try:
        canonical = phones.parse(phone)
        before = _latest(canonical)
        send()
    except (IhuyiError, ValueError) as error:
        # If the platform refused the message, its row in the send log says more than the exception.
        message = None if isinstance(error, ValueError) else _latest(canonical)
        # Without a new row, nothing was sent: the latest one is the result of an earlier attempt.
        if message is None or (before is not None and message.pk == before.pk):
            return fail(SUBJECT, f"{error}.")
        return judge_message(message)
    sent = _latest(canonical)
    assert sent is not None  # noqa: S101 - it was sent
    return judge_message(_follow(sent, patience=patience))


def not_tried() -> Diagnosis:
    """Return the diagnosis for a message that was not sent, because it could only repeat a failure above."""
    return fail(SUBJECT, _("No message was sent, because of the failures above."), _("Correct them first."))


def judge_message(message: Message) -> Diagnosis:
    """Judge a message by its state."""
    state = {"phone": phones.mask(message.phone), "state": message.get_state_display()}
    text = _("The message to %(phone)s is %(state)s.") % state
    if message.state in (State.SUBMITTED, State.DELIVERED):
        figures = {"seconds": message.duration or 0.0, "id": message.platform_id}
        return ok(SUBJECT, text, _("The call took %(seconds).2f seconds; the platform's id is %(id)s.") % figures)
    if message.state in (State.QUEUED, State.SENDING):
        return warn(SUBJECT, text, _("No process has called the platform yet: check that a worker is running."))
    judge = warn if message.state == State.UNKNOWN else fail
    return judge(SUBJECT, text, _reason(message))


def _follow(message: Message, *, patience: float) -> Message:
    deadline = monotonic() + patience
    while message.state in (State.QUEUED, State.SENDING) and monotonic() < deadline:
        time.sleep(PAUSE)
        message.refresh_from_db(using=router.db_for_write(Message))
    return message


def _latest(phone: str) -> Message | None:
    # From the database that is written to: a replica may not have the message yet.
    messages = Message.objects.using(router.db_for_write(Message)).filter(recipient__in=Recipient.objects.of(phone))
    return messages.select_related("recipient").order_by("-id").first()


def _reason(message: Message) -> str:
    if message.result_code is not None:
        return f"{message.result_code}: {explain(message.result_code, message.channel)}"
    if message.fault in FAULTS:
        return f"{FAULTS[message.fault]} {ADVICE[message.fault]}"
    return message.result_text
