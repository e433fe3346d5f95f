"""The guard that keeps the budgets: look at all of them, claim each, and give back if no message left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from django_ihuyi import signals
from django_ihuyi.database import transactions
from django_ihuyi.exceptions import LimitReached, NotSent, SendingUnavailable
from django_ihuyi.guards.base import Guard, Wanted
from django_ihuyi.guards.budgets.alerts import note
from django_ihuyi.guards.budgets.counters import BudgetCounter, Increment
from django_ihuyi.guards.budgets.plan import make_plan
from django_ihuyi.guards.budgets.rules import Mode, Overrun
from django_ihuyi.logs import get_logger
from django_ihuyi.models.budgets import Budget, BudgetSnapshot

logger = get_logger("django_ihuyi.guards")


class BudgetGuard(Guard):
    """Refuse, or want a captcha for, what would exceed one of BUDGETS; name it before the captcha's guard in GUARDS.

    Every claim is one statement of its own: no row is held while the platform is called.
    """

    def __init__(self) -> None:
        self._claims: list[Increment] = []

    def check(self, wanted: Wanted, *, using: str) -> Wanted:
        """Count one message for every budget; raises LimitReached, or SendingUnavailable when others were faster."""
        plan = make_plan(wanted)
        if not plan.keys:
            return wanted
        snapshot = Budget.objects.using(using).read(plan.keys)
        try:
            wanted = _answer(plan.look(snapshot, using=using), wanted, snapshot.now, using=using)
            for counter in plan.counters:
                wanted = _answer(self._claim(counter, snapshot, using=using), wanted, snapshot.now, using=using)
        except NotSent:
            self.give_back(wanted, using=using)
            raise
        return wanted

    def give_back(self, wanted: Wanted, *, using: str) -> None:  # noqa: ARG002 - the claims say what was wanted
        """Undo every claim; one that cannot be undone stays counted, which is the safe side."""
        while self._claims:
            self._undo(self._claims.pop(), using=using)

    def _claim(self, counter: BudgetCounter, snapshot: BudgetSnapshot, *, using: str) -> list[Overrun]:
        """Count one more; return what was exceeded by it, and count nothing if that is refused."""
        read = [snapshot]

        def attempt() -> list[Overrun]:
            known = read.pop() if read else Budget.objects.using(using).read([counter.key])
            budget = known.budgets[counter.key]
            overrun = counter.look(budget, known.now)
            if not (overrun and counter.refuses):
                self._claims.append(counter.claim(budget, known.now, using=using))
            return [overrun] if overrun else []

        try:
            return transactions.retry(attempt, using=using)
        except transactions.Contended as error:
            if counter.refuses:
                raise SendingUnavailable(retry_after=1) from error
            return []

    def _undo(self, claim: Increment, *, using: str) -> None:
        counter = claim.counter

        def attempt() -> None:
            known = Budget.objects.using(using).read([counter.key])
            counter.give_back(claim, known.budgets[counter.key], known.now, using=using)

        try:
            transactions.retry(attempt, using=using)
        except transactions.Contended:
            logger.warning("budget %s: a claim was not given back", counter.key)


def _answer(overruns: Iterable[Overrun], wanted: Wanted, now: datetime, *, using: str) -> Wanted:
    """Tell operators what is exceeded; refuse, or want a captcha, as the modes have it."""
    found = list(overruns)
    for overrun in found:
        if not overrun.is_told:
            note(overrun, now, using=using)
    refusals = [overrun for overrun in found if overrun.mode is Mode.REFUSE]
    if refusals:
        raise _refuse(max(refusals, key=lambda overrun: overrun.retry_after), wanted)
    reasons = [str(overrun) for overrun in found if overrun.mode is Mode.CAPTCHA]
    return replace(wanted, captcha_reason=reasons[0]) if reasons else wanted


def _refuse(overrun: Overrun, wanted: Wanted) -> LimitReached:
    signals.limit_hit.send_robust(
        Budget,
        code=overrun.code,
        retry_after=overrun.retry_after,
        phone="",
        client=wanted.client if overrun.code == "client_limit" else "",
        reason=str(overrun),
    )
    return LimitReached(overrun.code, retry_after=overrun.retry_after)
