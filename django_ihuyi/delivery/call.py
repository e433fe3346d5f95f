"""One call of a backend: submit a message, then write its outcome. No transaction is open during the call."""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable
from functools import partial

from django_ihuyi.backends import get_backend
from django_ihuyi.client.outcomes import Outcome, Submission
from django_ihuyi.delivery.admission.permit import acquire_permit_in_turn
from django_ihuyi.delivery.outcomes import settle
from django_ihuyi.delivery.routing import POLICY_FAULT
from django_ihuyi.exceptions import SendingUnavailable
from django_ihuyi.limits import CALL_DEADLINE
from django_ihuyi.logs import get_logger
from django_ihuyi.models import Message
from django_ihuyi.models.messages import FRESHNESS, LEASE
from django_ihuyi.texts import templates

logger = get_logger("django_ihuyi.calls")

#: How long the last calls of this process took, in seconds, without refused ones, which a stranger could fill it with;
#: at first, the time of a usual call.
_recent: deque[float] = deque([0.1], maxlen=64)


def prepare(message: Message) -> Callable[[], Submission]:
    """Return the function that submits a message to its backend.

    Raises KeyError, ValueError or ImproperlyConfigured if the settings have lost its template or its channel.
    """
    submit = get_backend(message.channel).submit
    if message.verification is None:
        text = templates.fill(message.template, message.variables)
    else:
        code = message.verification.code
        text = templates.fill(message.template, [code], code=code)
    return partial(submit, message.phone, text)


def deliver(message: Message, *, using: str, asked_at: float, taken_at: float | None = None) -> None:
    """Hand a message that is `sending` to its backend, and write the outcome.

    `asked_at` is the time of the request, `taken_at` the time when the message was taken out of the queue, both by
    `time.monotonic`. If either is too long ago, the message is `unsent`: its process was stopped, or had to wait.
    """
    # A call must end within the lease: after that recovery writes `unknown`, and another worker may call the number.
    leased_until = (asked_at if taken_at is None else taken_at) + (LEASE - CALL_DEADLINE).total_seconds()
    until = min(asked_at + FRESHNESS[message.kind].total_seconds(), leased_until)
    settle(message, _submit(message, until=until), using=using)


def _submit(message: Message, *, until: float) -> Submission:
    too_old = _unsent(fault="too_old", text="it was asked for too long ago")
    if time.monotonic() > until:
        return too_old
    if message.verification and message.verification.decoy:
        # As long as a call: the next message to the number must wait for its end, and a shorter wait would show which
        # numbers are registered.
        time.sleep(secrets.choice(_recent))
        return _unsent(fault=POLICY_FAULT, text="the purpose's policy returned False")
    submit = prepare(message)
    try:
        # A permit that this thread holds already is shared; after the caller's commit it holds none.
        with acquire_permit_in_turn(message.channel) as permit:
            if time.monotonic() > until:  # the wait for the permit may have taken seconds
                return too_old
            submission = permit.call(submit)
    except SendingUnavailable:
        return _unsent(fault="not_called", text="the platform was not called")
    if submission.outcome is not Outcome.REFUSED:
        _recent.append(submission.elapsed)
    return submission


def _unsent(*, fault: str, text: str) -> Submission:
    return Submission(outcome=Outcome.UNSENT, code=None, text=text, fault=fault, elapsed=0.0)
