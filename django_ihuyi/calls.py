"""One call of a backend: a message is handed over, then settled; no transaction is open meanwhile."""

from __future__ import annotations

import logging
import secrets
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from functools import partial

from django.db import Error, InterfaceError, OperationalError, connections, transaction

from django_ihuyi import policies, signals
from django_ihuyi.backends import get_backend
from django_ihuyi.ceiling import Place, wait_for_place
from django_ihuyi.client.outcomes import Outcome, Submission
from django_ihuyi.client.results import Actor, ResultKind, describe
from django_ihuyi.database import optimistic_retry
from django_ihuyi.exceptions import SendingUnavailable
from django_ihuyi.gates import PATIENCE, STANDSTILL, admitted
from django_ihuyi.limits import CALL_DEADLINE
from django_ihuyi.logs import get_logger
from django_ihuyi.models import FRESHNESS, LEASE, Message, State, Verification
from django_ihuyi.texts import templates

logger = get_logger("django_ihuyi.calls")

#: Who reads the log, and the faults that they must mend: somebody else answers at the platform's address.
_STAFF, _WAY_IS_WRONG = {Actor.OPERATOR, Actor.DEVELOPER}, {"tls_certificate", "redirect"}

#: What a submission makes of a message that was being sent.
_STATES = {
    Outcome.ACCEPTED: State.SUBMITTED,
    Outcome.REFUSED: State.REFUSED,
    Outcome.UNSENT: State.UNSENT,
    Outcome.UNKNOWN: State.UNKNOWN,
}

#: What becomes of a message that was written before the gates were asked, where they let nobody through.
_NOT_CALLED = Submission(
    outcome=Outcome.UNSENT, code=None, text="the platform was not called", fault="not_called", elapsed=0.0
)

#: What becomes of a message that was to be called for by somebody who was stopped, or had to wait.
_TOO_OLD = Submission(
    outcome=Outcome.UNSENT, code=None, text="it was asked for too long ago", fault="too_old", elapsed=0.0
)

#: What becomes of a decoy's message.
_KEPT_BACK = Submission(
    outcome=Outcome.UNSENT, code=None, text="the purpose's policy says no", fault=policies.FAULT, elapsed=0.0
)
#: How long the last calls of this process took, in seconds; before the first one, what calls mostly take.
_recent: deque[float] = deque([0.1], maxlen=64)

#: Refusals after which the message keeps its claim: the platform counted it, or has no room for another one.
_LIMITS = {ResultKind.THROTTLED, ResultKind.QUOTA, ResultKind.SUPPRESSED}

#: What a limit of the platform teaches the recipient: {result code: (field, pause)}. Where a code says "a minute" or
#: "a day" that is the pause; two seconds for "one a second", because clocks differ.
PAUSES = {
    4080: ("wait_until", timedelta(seconds=2)),
    4010: ("wait_until", timedelta(minutes=1)),
    4081: ("wait_until", timedelta(minutes=1)),
    4083: ("wait_until", timedelta(minutes=1)),
    4086: ("wait_until", timedelta(minutes=2)),
    4082: ("full_until", timedelta(days=1)),
    4084: ("full_until", timedelta(days=1)),
    4085: ("code_full_until", timedelta(days=1)),
}


def prepare(message: Message) -> Callable[[], Submission]:
    """Return the call that hands a message to its backend.

    Raises KeyError, ValueError or ImproperlyConfigured if the settings have lost its template or its channel.
    """
    return partial(get_backend(message.channel).submit, message.phone, _compose(message))


def deliver(
    message: Message, *, using: str, asked_at: float, taken_at: float | None = None, place: Place | None = None
) -> None:
    """Hand a message that is `sending` to its backend, and write what became of it.

    One that was asked for, or taken out of the queue, too long ago, by `time.monotonic`, is not handed over: whoever
    was to send it was stopped. It leaves by the caller's `place` under the account's ceiling, or waits for one.
    """
    # A call must end within the lease: after that recovery says `unknown`, and others may call the number.
    leased_until = (asked_at if taken_at is None else taken_at) + (LEASE - CALL_DEADLINE).total_seconds()
    until = min(asked_at + FRESHNESS[message.kind].total_seconds(), leased_until)
    settle(message, _submit(message, using=using, until=until, place=place), using=using)


def settle(message: Message, submission: Submission, *, using: str) -> None:
    """Write the outcome of a call; the recipient learns what the platform's refusal says of it.

    The message is given the outcome even if it cannot be written: its caller is told the truth, and recovery writes
    `unknown` in its place.
    """
    kind = describe(submission.code).kind if submission.code is not None else None
    message.state = _STATES[submission.outcome]
    # For a discreet purpose the limits may not show what became of a message.
    message.counted = _keeps_claim(submission.outcome, kind) or policies.is_discreet(message.purpose)
    message.result_code = submission.code
    message.result_text = submission.text
    message.fault = submission.fault
    message.platform_id = submission.platform_id
    message.duration = submission.elapsed
    is_limit = submission.code is not None and kind in _LIMITS
    if message.state != State.SUBMITTED and message.fault != policies.FAULT:
        logger.log(
            _level(submission),
            "message %d on %s is %s: %s",
            message.pk,
            message.channel,
            message.state,
            message.fault if message.result_code is None else message.result_code,
        )
    try:
        was = _insist(lambda: _write(message, is_limit=is_limit, using=using), using=using)
    except Error as error:
        # The class only: the text of a database error may quote a row, and so a number.
        words = "what became of message %d, %s, cannot be written: the database fails with %s"
        logger.error(words, message.pk, message.state, type(error).__name__)
    else:
        if was is not None:
            announce(message, was=was)


def _level(submission: Submission) -> int:
    """Return how loud the log is: who must act before another message can go out should not have to look for it."""
    if submission.code is None:
        return logging.ERROR if submission.fault in _WAY_IS_WRONG else logging.WARNING
    return logging.ERROR if describe(submission.code).actor in _STAFF else logging.WARNING


def announce(message: Message, *, was: State = State.SENDING) -> None:
    """Tell the listeners of a message that has changed its state."""
    signals.message_changed.send_robust(Message, message=message)
    # What recovery took for unknown was told as sent then.
    if message.verification and message.state in (State.SUBMITTED, State.UNKNOWN) and was != State.UNKNOWN:
        signals.code_sent.send_robust(Verification, verification=message.verification, message=message)


def _submit(message: Message, *, using: str, until: float, place: Place | None) -> Submission:
    if time.monotonic() > until:
        return _TOO_OLD
    if message.verification and message.verification.decoy:
        # As long as a call, during which nothing else may leave for the number: the limits would tell.
        time.sleep(secrets.choice(_recent))
        return _KEPT_BACK
    submit = prepare(message)
    with ExitStack() as stack:
        try:
            # Whoever holds leave already shares it; after the caller's commit nobody does.
            admission = stack.enter_context(admitted(message.channel, patience=PATIENCE, standstill=STANDSTILL))
            place = place or _wait_for_place(message, using=using)
            if place:
                stack.enter_context(place)
            if time.monotonic() > until:  # once more, after what may have lasted
                return _TOO_OLD
            if place:
                place.use()
        except SendingUnavailable:
            return _NOT_CALLED
        submission = admission.call(submit)
    _recent.append(submission.elapsed)
    return submission


def _wait_for_place(message: Message, *, using: str) -> Place | None:
    """Wait for a place. Raises SendingUnavailable if there is none, or the database does not say: nothing left yet."""
    try:
        wait = partial(wait_for_place, message.channel, kind=message.kind, using=using)
        return optimistic_retry.run(wait, using=using)
    except Error as error:
        words = "message %d waits in vain for a place of the channel %s: the database fails with %s"
        logger.error(words, message.pk, message.channel, type(error).__name__)
        raise SendingUnavailable(retry_after=1) from error


def _insist(write: Callable[[], State | None], *, using: str) -> State | None:
    """Write what only this process knows: again after a deadlock, and again on a new connection if one was lost."""
    try:
        return optimistic_retry.run(write, using=using)
    except (OperationalError, InterfaceError):
        if connections[using].in_atomic_block:
            raise
        connections[using].close()
        return optimistic_retry.run(write, using=using)


def _write(message: Message, *, is_limit: bool, using: str) -> State | None:
    """Return the state that the outcome replaced, None if it replaced none."""
    if not is_limit:
        return _replace(message, using=using)
    with transaction.atomic(using=using):
        was = _replace(message, using=using)
        _teach(message, using=using)
        return was


def _replace(message: Message, *, using: str) -> State | None:
    messages = Message.objects.using(using)
    if messages.settle(message):
        return State.SENDING
    # Recovery was faster, and did not know what this call knows.
    if message.state != State.UNKNOWN and messages.settle(message, was=State.UNKNOWN):
        return State.UNKNOWN
    return None


def _compose(message: Message) -> templates.OutgoingText:
    if message.verification is None:
        return templates.fill(message.template, message.variables)
    code = message.verification.code
    return templates.fill(message.template, [code], code=code)


def _keeps_claim(outcome: Outcome, kind: ResultKind | None) -> bool:
    if outcome is Outcome.REFUSED:
        return kind in _LIMITS
    return outcome is not Outcome.UNSENT


def _teach(message: Message, *, using: str) -> None:
    result_code = message.result_code
    if result_code in PAUSES:
        field, pause = PAUSES[result_code]
        message.recipient.learn_to_wait(field, pause, using=using)
    elif result_code is not None:
        message.recipient.suppress(result_code, using=using)
