"""verify_code: one guess, judged against exactly one verification, counted whatever comes of it."""

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
from django_ihuyi.limits import GuessBudget
from django_ihuyi.models import Recipient, Verification
from django_ihuyi.models.sql.snapshot import read_verification
from django_ihuyi.models.verifications import parse_id

#: How long after a right guess its answer can be repeated: it may have been lost on the way.
REPEATABLE = timedelta(seconds=60)
#: EXPIRED is answered at the next multiple of so many seconds, so that its time does not tell one that was there once,
#: and is read, from one that never was.
TICK = 0.02


class VerdictOutcome(enum.Enum):
    """What became of a guess."""

    RIGHT = "right"
    WRONG = "wrong"
    #: The verification is over, used, or was never there; which of these is not told.
    EXPIRED = "expired"
    #: All attempts of this verification are spent.
    EXHAUSTED = "exhausted"
    #: Too many wrong guesses for this phone and purpose; the guess was not looked at.
    LIMITED = "limited"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer to a guess. A right one has `proof`, `phone`, `purpose` and the proof's `expires_in` (seconds)."""

    outcome: VerdictOutcome
    proof: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    purpose: str | None = None
    expires_in: int | None = None
    attempts_left: int | None = None
    retry_after: int | None = None


_EXPIRED = Verdict(outcome=VerdictOutcome.EXPIRED)
_EXHAUSTED = Verdict(outcome=VerdictOutcome.EXHAUSTED, attempts_left=0)
_TOO_BUSY = Verdict(outcome=VerdictOutcome.LIMITED, retry_after=1)


Record = Callable[[Verdict], None]


@sensitive_variables()
def verify_code(verification_id: str, code: str, *, using: str | None = None, record: Record | None = None) -> Verdict:
    """Judge one guess; of any number of parallel right ones exactly one is RIGHT, of wrong ones at most 5 are answered.

    `record` is told a RIGHT or WRONG verdict in the transaction that counts the guess: what it writes holds if the
    guess is counted, and what it raises gives the guess back.

    Raises TransactionManagementError inside a transaction of the caller, whose rollback would give the guess back.
    """
    database = using or router.db_for_write(Verification)
    if transactions.is_open(database):
        raise TransactionManagementError("verify_code counts guesses: call it outside of atomic() and ATOMIC_REQUESTS")
    named = parse_id(verification_id)
    if named is None:
        return _EXPIRED
    began = time.monotonic()
    try:
        verdict = transactions.retry(lambda: _judge(named, code, using=database, record=record), using=database)
    except transactions.Contended:
        return _TOO_BUSY
    if verdict is _EXPIRED:
        time.sleep(TICK - (time.monotonic() - began) % TICK)
    return verdict


@sensitive_variables()
def repeat_right(verification_id: str, *, using: str | None = None) -> Verdict:
    """Repeat the verdict on a right guess, within a minute and until its proof is redeemed; EXPIRED after that.

    It asks for no code: call it only for somebody of whom it is known that they made that guess.
    """
    named = parse_id(verification_id)
    snapshot = read_verification(named, using=using or router.db_for_write(Verification)) if named else None
    if snapshot is None:
        return _EXPIRED
    verification = snapshot.verification
    if verification.verified_at is None or verification.proof_redeemed_at is not None:
        return _EXPIRED
    return _right(verification) if snapshot.now < verification.verified_at + REPEATABLE else _EXPIRED


def _judge(verification_id: str, guess: str, *, using: str, record: Record | None) -> Verdict:
    snapshot = read_verification(verification_id, using=using)
    if snapshot is None:
        return _EXPIRED
    verification = snapshot.verification
    budget = GuessBudget.load(verification.recipient.guesses, verification.purpose)
    verdict = _find_end(verification, now=snapshot.now, using=using) or _find_lockout(budget, snapshot.now)
    if verdict is None:
        if verification.matches(guess):
            verdict = _accept(verification, budget, now=snapshot.now, using=using, record=record)
        else:
            verdict = _count_failure(verification, budget, now=snapshot.now, using=using, record=record)
    if verdict.outcome is not VerdictOutcome.RIGHT:
        signals.code_refused.send_robust(Verification, verification=verification, outcome=verdict.outcome)
    return verdict


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


def _find_lockout(budget: GuessBudget, now: datetime) -> Verdict | None:
    until = budget.closed_until(now)
    if until is None:
        return None
    return Verdict(outcome=VerdictOutcome.LIMITED, retry_after=math.ceil((until - now).total_seconds()))


def _accept(
    verification: Verification, budget: GuessBudget, *, now: datetime, using: str, record: Record | None
) -> Verdict:
    verdict = _right(verification)
    # In a transaction, as a wrong guess, even if it is one statement: without, a right one would overtake wrong ones
    # that came before it, and be found among many at once more often than by five tries.
    with transaction.atomic(using=using):
        Verification.objects.using(using).spend_attempt(verification, right=True, now=now)
        if budget.in_a_row:
            cleared = budget.after_success(verification.recipient.guesses, verification.purpose)
            Recipient.objects.using(using).record_guesses(verification.recipient, cleared)
        if record:
            record(verdict)
    signals.code_verified.send_robust(Verification, verification=verification)
    return verdict


def _right(verification: Verification) -> Verdict:
    return Verdict(
        outcome=VerdictOutcome.RIGHT,
        proof=proofs.make(verification),
        phone=verification.phone,
        purpose=verification.purpose,
        expires_in=int(proofs.LIFETIME.total_seconds()),
    )


def _count_failure(
    verification: Verification, budget: GuessBudget, *, now: datetime, using: str, record: Record | None
) -> Verdict:
    attempts_left = settings.MAX_ATTEMPTS - verification.attempts - 1
    guesses = budget.after_failure(verification.recipient.guesses, verification.purpose, now)
    verdict = Verdict(outcome=VerdictOutcome.WRONG, attempts_left=attempts_left)
    with transaction.atomic(using=using):
        Verification.objects.using(using).spend_attempt(verification, right=False, now=now, last=not attempts_left)
        Recipient.objects.using(using).record_guesses(verification.recipient, guesses)
        if record:
            record(verdict)
    return verdict
