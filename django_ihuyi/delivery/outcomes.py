"""The end of a message, after a call, in a queue or by recovery, and the error that its caller gets."""

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

# The names are promised (docs/howto/deploy.md): hosts have alarms on these loggers.
_call_logger = get_logger("django_ihuyi.calls")
_queue_logger = get_logger("django_ihuyi.queued")
_recovery_logger = get_logger("django_ihuyi.recovery")

#: Actors that read the log.
_STAFF = {Actor.OPERATOR, Actor.DEVELOPER}
#: Faults on which the operator must act: another server answers at the platform's address.
_WRONG_SERVER = {"tls_certificate", "redirect"}

#: The state of a message by the outcome of its call.
_STATES = {
    Outcome.ACCEPTED: State.SUBMITTED,
    Outcome.REFUSED: State.REFUSED,
    Outcome.UNSENT: State.UNSENT,
    Outcome.UNKNOWN: State.UNKNOWN,
}

#: The reasons to withdraw a message from the queue: {its fault: its result text}, both shown in the send log.
FAULTS = {
    "queue_down": "the queue did not take the message",
    "not_called": "the platform was not called",
    "too_old": "it waited in the queue for too long",
    "ended": "its verification has ended",
    "opted_out": "the phone opted out of advertisements",
    "paused": "the platform accepts no message for this number at the moment",
    fixed_codes.FAULT: "its number has become a test number",
    "not_configured": "the worker's settings lack its channel, or its template as it was",
    "busy": "at every attempt another message to this number was sent first",
}

#: Seconds after which a caller may try again: if the platform could not be reached, and if it asks to slow down without
#: a result code (HTTP 429).
_RETRY_UNREACHABLE, _RETRY_THROTTLED = 5, 60


def settle(message: Message, submission: Submission, *, using: str) -> None:
    """Write the outcome of a call, and the consequences of its result code on the recipient's row.

    `message` has the outcome even if the database cannot be written. Then its caller is told the outcome, and recovery
    writes `unknown` to the row.
    """
    row = None if submission.code is None else describe(submission.code, message.channel)
    message.state = _STATES[submission.outcome]
    # For a purpose with a POLICY neither limits nor the conversion breaker may show whether a message left.
    is_hidden = prevents_enumeration(message.purpose)
    message.counted = _keeps_claim(submission.outcome, row) or is_hidden
    if message.state in (State.REFUSED, State.UNSENT) and not is_hidden:
        message.sampled_at = None
    message.result_code = submission.code
    message.result_text = submission.text
    message.fault = submission.fault
    message.platform_id = submission.platform_id
    message.duration = submission.elapsed
    if message.state != State.SUBMITTED and message.fault != POLICY_FAULT:
        # An error if an operator or a developer must act before another message can leave.
        is_error = submission.fault in _WRONG_SERVER if row is None else row.actor in _STAFF
        _call_logger.log(
            logging.ERROR if is_error else logging.WARNING,
            "message %d on %s is %s: %s",
            message.pk,
            message.channel,
            message.state,
            message.fault if message.result_code is None else message.result_code,
        )
    try:
        was = _write_persistently(lambda: _write(message, row, using=using), using=using)
    except Error as error:
        # The class only: the text of a database error may quote a row, and so a number.
        words = "the outcome of message %d, %s, cannot be written: the database fails with %s"
        _call_logger.error(words, message.pk, message.state, type(error).__name__)
    else:
        if was is not None:
            announce(message, was=was)


def withdraw(message: Message, *, fault: str, using: str) -> None:
    """Write `unsent` to a queued message, and give its claim back; do nothing if it is no longer queued."""
    if Message.objects.using(using).withdraw(message, fault=fault, text=FAULTS[fault]):
        message.state, message.counted, message.fault, message.result_text = State.UNSENT, False, fault, FAULTS[fault]
        announce(message)
        _queue_logger.warning("message %d on %s is unsent: %s", message.pk, message.channel, fault)


def give_up(message: Message, *, using: str) -> None:
    """Write `unknown` to a message whose worker died; do nothing if its outcome has been written meanwhile."""
    text = f"its worker wrote no outcome within {LEASE.total_seconds():.0f} seconds"
    if Message.objects.using(using).give_up(message, fault="worker_lost", text=text):
        message.state, message.fault, message.result_text = State.UNKNOWN, "worker_lost", text
        announce(message)
        _recovery_logger.warning("message %d on %s is unknown: worker_lost", message.pk, message.channel)


def announce(message: Message, *, was: State = State.SENDING) -> None:
    """Send the signals of a message that has changed its state."""
    signals.message_changed.send_robust(Message, message=message)
    # `code_sent` is sent once: for a message that was `unknown`, it was sent when recovery wrote that.
    if message.verification and message.state in (State.SUBMITTED, State.UNKNOWN) and was != State.UNKNOWN:
        signals.code_sent.send_robust(Verification, verification=message.verification, message=message)


def raise_unless_sent(message: Message) -> None:
    """Raise the error that the caller of a settled message gets, unless the message may have left, or was withheld."""
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


def _write_persistently(write: Callable[[], State | None], *, using: str) -> State | None:
    """Write an outcome that only this process knows: retry after a deadlock, and once more on a new connection."""
    try:
        return transactions.retry(write, using=using)
    except (OperationalError, InterfaceError):
        if connections[using].in_atomic_block:  # a new connection would not be in the caller's transaction
            raise
        connections[using].close()
        return transactions.retry(write, using=using)


def _write(message: Message, row: ResultCode | None, *, using: str) -> State | None:
    """Write the outcome; return the state that it replaced, or None if the row has another outcome already."""
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
    # Recovery wrote `unknown` during the call. The call's outcome says more, so it replaces that.
    if message.state != State.UNKNOWN and messages.settle(message, was=State.UNKNOWN):
        return State.UNKNOWN
    return None


def _keeps_claim(outcome: Outcome, row: ResultCode | None) -> bool:
    if outcome is Outcome.REFUSED:
        return row is not None and row.keeps_claim
    return outcome is not Outcome.UNSENT
