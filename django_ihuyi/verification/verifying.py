"""verify_code: judge one guess against exactly one verification, and count it whatever the verdict."""

from __future__ import annotations

import enum
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import router, transaction
from django.db.transaction import TransactionManagementError
from django.views.decorators.debug import sensitive_variables

from django_ihuyi import proofs, signals
from django_ihuyi.conf import settings
from django_ihuyi.database import transactions
from django_ihuyi.limits import GuessBudget, after_success
from django_ihuyi.models import Recipient, Verification
from django_ihuyi.models.sql.snapshot import read_verification
from django_ihuyi.models.verifications import parse_id
from django_ihuyi.verification import marks
from django_ihuyi.verification.marks import Mark

#: How long after a right guess its verdict can be repeated, because the response may have been lost.
REPEATABLE = timedelta(seconds=60)
#: EXPIRED is returned at the next multiple of this many seconds after the start. Otherwise the time of the answer would
#: distinguish a finished id, whose row is read, from an unknown one.
TICK = 0.02


class VerdictOutcome(enum.Enum):
    """The verdict on a guess."""

    RIGHT = "right"
    WRONG = "wrong"
    #: The verification has expired, was used, or does not exist; which of these is not shown.
    EXPIRED = "expired"
    #: All attempts at this verification are spent.
    EXHAUSTED = "exhausted"
    #: Too many wrong guesses for this phone and purpose; the guess was not judged.
    LIMITED = "limited"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer to a guess.

    A right one has `proof`, `phone`, `purpose`, the proof's `expires_in` (seconds), and `device`, a new device mark.
    """

    outcome: VerdictOutcome
    proof: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    purpose: str | None = None
    expires_in: int | None = None
    device: str | None = field(default=None, repr=False)
    attempts_left: int | None = None
    retry_after: int | None = None


_EXPIRED = Verdict(outcome=VerdictOutcome.EXPIRED)
_EXHAUSTED = Verdict(outcome=VerdictOutcome.EXHAUSTED, attempts_left=0)
_CONTENDED = Verdict(outcome=VerdictOutcome.LIMITED, retry_after=1)

Record = Callable[[Verdict], None]


@sensitive_variables()
def verify_code(
    verification_id: str, code: str, *, device: str = "", using: str | None = None, record: Record | None = None
) -> Verdict:
    """Judge one guess. Of any number of parallel right ones exactly one is RIGHT; of wrong ones at most 5 are judged.

    `device` is the client's device marks, joined by dots. A mark of this phone gives the guess a budget of its own.

    `record` is called with a RIGHT or WRONG verdict in the transaction that counts the guess. Its writes are committed
    with the count; an exception that it raises rolls back both.

    Raise TransactionManagementError inside a transaction of the caller, because its rollback would undo the count.
    """
    database = using or router.db_for_write(Verification)
    if transactions.is_open(database):
        raise TransactionManagementError("verify_code counts guesses: call it outside of atomic() and ATOMIC_REQUESTS")
    if parse_id(verification_id) is None:
        return _EXPIRED
    began = time.monotonic()
    try:
        verdict = transactions.retry(
            lambda: _judge(verification_id, code, device=device, using=database, record=record), using=database
        )
    except transactions.Contended:
        return _CONTENDED
    if verdict is _EXPIRED:
        time.sleep(TICK - (time.monotonic() - began) % TICK)
    return verdict


@sensitive_variables()
def repeat_right(verification_id: str, *, using: str | None = None) -> Verdict:
    """Return the verdict on a right guess again, within a minute and until its proof is redeemed; EXPIRED after that.

    It checks no code: call it only for the caller that made that guess.
    """
    snapshot = read_verification(verification_id, using=using or router.db_for_write(Verification))
    if snapshot is None:
        return _EXPIRED
    verification = snapshot.verification
    if verification.verified_at is None or verification.proof_redeemed_at is not None:
        return _EXPIRED
    verified_at = verification.verified_at
    return _right(verification, verified_at) if snapshot.now < verified_at + REPEATABLE else _EXPIRED


def _judge(verification_id: str, guess: str, *, device: str, using: str, record: Record | None) -> Verdict:
    snapshot = read_verification(verification_id, using=using)
    if snapshot is None:
        return _EXPIRED
    verification = snapshot.verification
    mark = _find_mark(device, verification.recipient, now=snapshot.now, using=using)
    budget = GuessBudget.load(verification.recipient, verification.purpose, is_marked=mark is not None)
    verdict = _find_end(verification, now=snapshot.now, using=using)
    if verdict is None and (until := budget.closed_until(snapshot.now)):
        retry_after = math.ceil((until - snapshot.now).total_seconds())
        verdict = Verdict(outcome=VerdictOutcome.LIMITED, retry_after=retry_after)
    if verdict is None:
        is_right = verification.matches(guess)
        verdict = _count(verification, budget, mark, is_right=is_right, now=snapshot.now, using=using, record=record)
    if verdict.outcome is VerdictOutcome.RIGHT:
        signals.code_verified.send_robust(Verification, verification=verification)
    else:
        signals.code_refused.send_robust(Verification, verification=verification, outcome=verdict.outcome)
    return verdict


def _find_mark(device: str, recipient: Recipient, *, now: datetime, using: str) -> Mark | None:
    phone = recipient.phone or ""
    held = marks.read_of(phone, device)
    if not held:
        return None
    rows = [recipient, *Recipient.objects.using(using).of(phone).exclude(pk=recipient.pk)]
    return next((mark for mark in held if mark.counts(rows, now)), None)


def _find_end(verification: Verification, *, now: datetime, using: str) -> Verdict | None:
    if verification.verified_at:
        return _EXPIRED
    if verification.attempts >= settings.MAX_ATTEMPTS:
        return _EXHAUSTED
    if not verification.seed:
        return _EXPIRED
    if verification.expires_at <= now:
        Verification.objects.using(using).filter(pk=verification.pk).end_expired()
        return _EXPIRED
    return None


def _count(
    verification: Verification,
    budget: GuessBudget,
    mark: Mark | None,
    *,
    is_right: bool,
    now: datetime,
    using: str,
    record: Record | None,
) -> Verdict:
    recipient, purpose = verification.recipient, verification.purpose
    attempts_left = settings.MAX_ATTEMPTS - verification.attempts - 1
    guesses, marked, failures = recipient.guesses, recipient.marked_guesses, recipient.mark_failures
    if is_right:
        verdict = _right(verification, now)
        guesses, marked = after_success(guesses, purpose), after_success(marked, purpose)
    else:
        verdict = Verdict(outcome=VerdictOutcome.WRONG, attempts_left=attempts_left)
        if mark:
            marked, failures = budget.after_failure(marked, purpose, now), marks.add_failure(failures, mark)
        else:
            guesses = budget.after_failure(guesses, purpose, now)
    column = marks.to_column(guesses=marked, failures=failures, now=now)
    # A right guess often needs one statement only, and takes a transaction all the same: without it, it would overtake
    # wrong guesses, and one among many parallel ones would be found more often than by five tries.
    with transaction.atomic(using=using):
        verifications = Verification.objects.using(using)
        verifications.spend_attempt(verification, right=is_right, now=now, last=not attempts_left)
        if (guesses, column) != (recipient.guesses, recipient.marks):
            Recipient.objects.using(using).record_guesses(recipient, guesses, marks=column)
        if record:
            record(verdict)
    return verdict


def _right(verification: Verification, verified_at: datetime) -> Verdict:
    return Verdict(
        outcome=VerdictOutcome.RIGHT,
        proof=proofs.make(verification),
        phone=verification.phone,
        purpose=verification.purpose,
        expires_in=int(proofs.LIFETIME.total_seconds()),
        device=marks.make(verification, issued_at=verified_at),
    )
