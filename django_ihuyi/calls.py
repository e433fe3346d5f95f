"""One call of a backend: a message is handed over, then settled; no transaction is open meanwhile."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction

from django_ihuyi import message_templates, signals
from django_ihuyi.backends import get_backend
from django_ihuyi.client.outcomes import Outcome, Submission
from django_ihuyi.client.results import Kind, describe
from django_ihuyi.models import Message, State, Verification

logger = logging.getLogger("django_ihuyi.calls")

#: What a submission makes of a message that was being sent.
_STATES = {
    Outcome.ACCEPTED: State.SUBMITTED,
    Outcome.REFUSED: State.REFUSED,
    Outcome.UNSENT: State.UNSENT,
    Outcome.UNKNOWN: State.UNKNOWN,
}

#: Refusals after which the message keeps its claim: the platform counted it, or has no room for another one.
_LIMITS = {Kind.THROTTLED, Kind.QUOTA, Kind.SUPPRESSED}

#: What a limit of the platform teaches the recipient: {result code: (field, pause)}. Where a code says "a minute" or
#: "a day" that is the pause; two seconds for "one a second", because clocks differ.
_PAUSES = {
    4080: ("wait_until", timedelta(seconds=2)),
    4010: ("wait_until", timedelta(minutes=1)),
    4081: ("wait_until", timedelta(minutes=1)),
    4083: ("wait_until", timedelta(minutes=1)),
    4086: ("wait_until", timedelta(minutes=2)),
    4082: ("full_until", timedelta(days=1)),
    4084: ("full_until", timedelta(days=1)),
    4085: ("code_full_until", timedelta(days=1)),
}


def deliver(message: Message, *, using: str) -> None:
    """Hand a message that is `sending` to its backend, and write what became of it."""
    submission = get_backend(message.channel).submit(message.phone, _compose(message))
    settle(message, submission, using=using)


def settle(message: Message, submission: Submission, *, using: str) -> None:
    """Write the outcome of a call; the recipient learns what the platform's refusal says of it."""
    kind = describe(submission.code).kind if submission.code is not None else None
    message.state = _STATES[submission.outcome]
    message.counted = _keeps_claim(submission.outcome, kind)
    message.result_code = submission.code
    message.result_text = submission.text
    message.fault = submission.fault
    message.platform_id = submission.platform_id
    message.duration = submission.elapsed
    if submission.code is not None and kind in _LIMITS:
        with transaction.atomic(using=using):
            settled = Message.objects.using(using).settle(message)
            _teach(message, submission.code, using=using)
    else:
        settled = Message.objects.using(using).settle(message)
    if settled:
        _announce(message)
    if message.state != State.SUBMITTED:
        logger.warning(
            "message %d on %s is %s: %s",
            message.pk,
            message.channel,
            message.state,
            message.result_code or message.fault,
        )


def _compose(message: Message) -> message_templates.OutgoingText:
    if message.verification is None:
        return message_templates.fill(message.template, message.variables)
    code = message.verification.code
    return message_templates.fill(message.template, [code], code=code)


def _announce(message: Message) -> None:
    signals.message_changed.send_robust(Message, message=message)
    if message.verification and message.state in (State.SUBMITTED, State.UNKNOWN):
        signals.code_sent.send_robust(Verification, verification=message.verification, message=message)


def _keeps_claim(outcome: Outcome, kind: Kind | None) -> bool:
    if outcome is Outcome.REFUSED:
        return kind in _LIMITS
    return outcome is not Outcome.UNSENT


def _teach(message: Message, result_code: int, *, using: str) -> None:
    if result_code in _PAUSES:
        field, pause = _PAUSES[result_code]
        message.recipient.learn_to_wait(field, pause, using=using)
    else:
        message.recipient.suppress(result_code, using=using)
