"""How a message ends: each state that a call, a queue or a dead worker leaves it in, and what its caller is told."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import Error, InterfaceError, OperationalError, connections, transaction

from django_ihuyi import signals
from django_ihuyi.client.outcomes import Outcome, Submission
from django_ihuyi.client.results import Actor, ResultCode, describe
from django_ihuyi.database import transactions
from django_ihuyi.delivery.reservation import limit_reached
from django_ihuyi.delivery.routing import POLICY_FAULT, prevents_enumeration
from django_ihuyi.exceptions import NumberRefused, SendingUnavailable
from django_ihuyi.limits import Refusal
from django_ihuyi.logs import get_logger
from django_ihuyi.models import Message, State, Verification
from django_ihuyi.models.messages import LEASE
from django_ihuyi.phones import fixed_codes

# One for each way to an end, under the names that docs/howto/deploy.md lists.
_call_logger = get_logger("django_ihuyi.calls")
_queue_logger = get_logger("django_ihuyi.queued")
_recovery_logger = get_logger("django_ihuyi.recovery")

#: Who reads the log, and the faults that they must mend: somebody else answers at the platform's address.
_STAFF, _WAY_IS_WRONG = {Actor.OPERATOR, Actor.DEVELOPER}, {"tls_certificate", "redirect"}

#: What a submission makes of a message that was being sent.
_STATES = {
    Outcome.ACCEPTED: State.SUBMITTED,
    Outcome.REFUSED: State.REFUSED,
    Outcome.UNSENT: State.UNSENT,
    Outcome.UNKNOWN: State.UNKNOWN,
}

#: Why a message is taken out of the queue unsent: {what the send log shows as fault: what it says beside it}.
FAULTS = {
    "queue_down": "the queue did not take the message",
    "not_called": "the platform was not called",
    "too_old": "it waited in the queue for too long",
    "ended": "its verification has ended",
    "opted_out": "the phone asked for no more advertisements",
    "paused": "the platform wants to hear nothing for this number",
    fixed_codes.FAULT: "it has become a test number's",
    "not_configured": "the settings of the worker do not know its channel, or its template as it was",
    "busy": "others sent to this number, and were faster every time",
}

#: Seconds after which a caller may try again when the platform could not be reached, and when it asks us to slow down
#: without a result code (HTTP 429).
_RETRY_UNREACHABLE, _RETRY_THROTTLED = 5, 60


def settle(message: Message, submission: Submission, *, using: str) -> None:
    """Write the outcome of a call; the recipient learns what the platform's refusal says of it.

    The message is given the outcome even if it cannot be written: its caller is told the truth, and recovery writes
    `unknown` in its place.
    """
    row = None if submission.code is None else describe(submission.code, message.channel)
    message.state = _STATES[submission.outcome]
    # For a purpose with a POLICY the limits may not show what became of a message.
    message.counted = _keeps_claim(submission.outcome, row) or prevents_enumeration(message.purpose)
    message.result_code = submission.code
    message.result_text = submission.text
    message.fault = submission.fault
    message.platform_id = submission.platform_id
    message.duration = submission.elapsed
    if message.state != State.SUBMITTED and message.fault != POLICY_FAULT:
        _call_logger.log(
            _level(submission, row),
            "message %d on %s is %s: %s",
            message.pk,
            message.channel,
            message.state,
            message.fault if message.result_code is None else message.result_code,
        )
    try:
        was = _insist(lambda: _write(message, row, using=using), using=using)
    except Error as error:
        # The class only: the text of a database error may quote a row, and so a number.
        words = "what became of message %d, %s, cannot be written: the database fails with %s"
        _call_logger.error(words, message.pk, message.state, type(error).__name__)
    else:
        if was is not None:
            announce(message, was=was)


def withdraw(message: Message, *, fault: str, using: str) -> None:
    """Take a message out of the queue unsent, and give its claim back; do nothing if somebody else was faster."""
    if Message.objects.using(using).withdraw(message, fault=fault, text=FAULTS[fault]):
        message.state, message.counted, message.fault, message.result_text = State.UNSENT, False, fault, FAULTS[fault]
        announce(message)
        _queue_logger.warning("message %d on %s is unsent: %s", message.pk, message.channel, fault)


def give_up(message: Message, *, using: str) -> None:
    """Write that it is unknown what became of a message whose worker died; do nothing if it has an end by now."""
    text = f"its worker did not tell within {LEASE.total_seconds():.0f} seconds what became of it"
    if Message.objects.using(using).give_up(message, fault="worker_lost", text=text):
        message.state, message.fault, message.result_text = State.UNKNOWN, "worker_lost", text
        announce(message)
        _recovery_logger.warning("message %d on %s is unknown: worker_lost", message.pk, message.channel)


def announce(message: Message, *, was: State = State.SENDING) -> None:
    """Tell the listeners of a message that has changed its state."""
    signals.message_changed.send_robust(Message, message=message)
    # What recovery took for unknown was told as sent then.
    if message.verification and message.state in (State.SUBMITTED, State.UNKNOWN) and was != State.UNKNOWN:
        signals.code_sent.send_robust(Verification, verification=message.verification, message=message)


def raise_unless_sent(message: Message) -> None:
    """Raise what a settled message's caller is to be told; one that may have left, or never should, counts as sent."""
    if message.fault == fixed_codes.FAULT:
        return
    if message.state == State.UNSENT:
        raise SendingUnavailable(retry_after=_RETRY_UNREACHABLE)
    if message.state != State.REFUSED:
        return
    if message.result_code is None:
        raise SendingUnavailable(retry_after=_RETRY_THROTTLED)
    row = describe(message.result_code, message.channel)
    if row.answer == NumberRefused.code:
        raise NumberRefused("the platform says that this number does not exist")
    if row.answer == SendingUnavailable.code:
        raise SendingUnavailable(retry_after=row.retry_after)
    raise limit_reached(Refusal(code=row.answer, retry_after=row.retry_after), phone=message.phone)


def _level(submission: Submission, row: ResultCode | None) -> int:
    """Return ERROR if the staff must act before another message can go out."""
    is_loud = submission.fault in _WAY_IS_WRONG if row is None else row.actor in _STAFF
    return logging.ERROR if is_loud else logging.WARNING


def _insist(write: Callable[[], State | None], *, using: str) -> State | None:
    """Write what only this process knows: again after a deadlock, and again on a new connection if one was lost."""
    try:
        return transactions.retry(write, using=using)
    except (OperationalError, InterfaceError):
        if connections[using].in_atomic_block:
            raise
        connections[using].close()
        return transactions.retry(write, using=using)


def _write(message: Message, row: ResultCode | None, *, using: str) -> State | None:
    """Return the state that the outcome replaced, None if it replaced none."""
    if row is None or not (row.pause or row.suppresses):
        return _replace(message, using=using)
    with transaction.atomic(using=using):
        was = _replace(message, using=using)
        if row.pause:
            message.recipient.learn_to_wait(row.pause.end.value, row.pause.lasts, using=using)
        if row.suppresses:
            message.recipient.suppress(row.code, using=using)
        return was


def _replace(message: Message, *, using: str) -> State | None:
    messages = Message.objects.using(using)
    if messages.settle(message):
        return State.SENDING
    # Recovery was faster, and did not know what this call knows.
    if message.state != State.UNKNOWN and messages.settle(message, was=State.UNKNOWN):
        return State.UNKNOWN
    return None


def _keeps_claim(outcome: Outcome, row: ResultCode | None) -> bool:
    if outcome is Outcome.REFUSED:
        return row is not None and row.keeps_claim
    return outcome is not Outcome.UNSENT
