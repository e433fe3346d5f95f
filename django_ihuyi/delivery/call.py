"""One call of a backend: submit a message, then settle it. No transaction is open meanwhile."""

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

#: Admission control lets no call through after the message was written.
_NOT_CALLED = Submission(
    outcome=Outcome.UNSENT, code=None, text="the platform was not called", fault="not_called", elapsed=0.0
)

#: The process was stopped, or had to wait, for too long.
_TOO_OLD = Submission(
    outcome=Outcome.UNSENT, code=None, text="it was asked for too long ago", fault="too_old", elapsed=0.0
)

#: A decoy's message is withheld.
_WITHHELD = Submission(
    outcome=Outcome.UNSENT, code=None, text="the purpose's policy says no", fault=POLICY_FAULT, elapsed=0.0
)

#: How long the last calls of this process took, in seconds; at first, what most calls take.
_recent: deque[float] = deque([0.1], maxlen=64)


def prepare(message: Message) -> Callable[[], Submission]:
    """Return the function that submits a message to its backend.

    Raises KeyError, ValueError or ImproperlyConfigured if the settings have lost its template or its channel.
    """
    return partial(get_backend(message.channel).submit, message.phone, _compose(message))


def deliver(message: Message, *, using: str, asked_at: float, taken_at: float | None = None) -> None:
    """Hand a message that is `sending` to its backend, and write what became of it.

    A message that was asked for, or taken out of the queue, too long ago, by `time.monotonic`, is not handed over: its
    process was stopped meanwhile.
    """
    # A call must end within the lease: after that recovery says `unknown`, and others may call the number.
    leased_until = (asked_at if taken_at is None else taken_at) + (LEASE - CALL_DEADLINE).total_seconds()
    until = min(asked_at + FRESHNESS[message.kind].total_seconds(), leased_until)
    settle(message, _submit(message, until=until), using=using)


def _submit(message: Message, *, until: float) -> Submission:
    if time.monotonic() > until:
        return _TOO_OLD
    if message.verification and message.verification.decoy:
        # As long as a call: until it ends no other message may leave for the number, and the wait would tell.
        time.sleep(secrets.choice(_recent))
        return _WITHHELD
    submit = prepare(message)
    try:
        # A permit that this thread holds already is shared; after the caller's commit it holds none.
        with acquire_permit_in_turn(message.channel) as permit:
            if time.monotonic() > until:  # the wait for the permit may have lasted
                return _TOO_OLD
            submission = permit.call(submit)
    except SendingUnavailable:
        return _NOT_CALLED
    _recent.append(submission.elapsed)
    return submission


def _compose(message: Message) -> templates.OutgoingText:
    if message.verification is None:
        return templates.fill(message.template, message.variables)
    code = message.verification.code
    return templates.fill(message.template, [code], code=code)
