"""Budget counters. Each increment is one conditional write in the database, and can be undone."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django_ihuyi.guards.budgets.rules import BudgetRule, Mode, Overrun
from django_ihuyi.guards.budgets.sliding_window import Numbers, Spending
from django_ihuyi.models import Message
from django_ihuyi.models.budgets import Budget, BudgetSnapshot
from django_ihuyi.rates import Rate

#: Seconds that a slot of a GlobalCounter lasts at most. Changed settings take effect when the next slot begins.
LONGEST_SLOT = 60


class BudgetCounter(ABC):
    """One budget of one owner: a client, a user, a prefix, or all requests together."""

    #: The code of the REST answer to a refused request.
    code = "client_limit"

    def __init__(self, rule: BudgetRule, owner: str = "") -> None:
        self.rule = rule
        self.key = f"{rule.name} {owner}".strip()
        self.counted = rule.limits

    @abstractmethod
    def look(self, snapshot: BudgetSnapshot) -> Overrun | None:
        """Return the overrun that one more message would be."""

    @abstractmethod
    def claim(self, budget: Budget, now: datetime, *, using: str) -> Increment:
        """Count one more message on the budget as it was read; raises StaleRow."""

    @abstractmethod
    def give_back(self, claim: Increment, budget: Budget, now: datetime, *, using: str) -> None:
        """Undo an increment on the budget as it was read; raises StaleRow."""

    def is_empty(self) -> bool:
        """Return True if there is nothing to count."""
        return not (self.counted or self.rule.numbers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Increment:
    """One message that a counter has counted, with the facts that are needed to undo it."""

    counter: BudgetCounter
    budget: Budget
    moment: datetime
    #: The phone's request before this one, in seconds since the epoch.
    before: float | None = None


class PerOwnerCounter(BudgetCounter):
    """A budget with few requests at once: its whole history is read and replaced, if the row's version is the same."""

    #: Whether NUMBERS let a number pass that the window already has.
    exempts_known_numbers = True

    def __init__(self, rule: BudgetRule, owner: str, *, mark: str, also: Sequence[Rate] = ()) -> None:
        super().__init__(rule, owner)
        self.mark = mark
        #: The rule's own limits, and those of another rule that reads this budget.
        self.counted = (*rule.limits, *also)

    def look(self, snapshot: BudgetSnapshot) -> Overrun | None:
        budget, at = snapshot.budgets[self.key], snapshot.now.timestamp()
        rule, spending = self.rule, _spending(budget)
        messages = [(spending.wait(rate, at), f"messages {rate}") for rate in rule.limits]
        numbers = self._waits_for_number(rule.numbers, budget, at)
        if not rule.behind_captcha:
            return _overrun(snapshot, budget, rule, [*messages, *numbers], code=self.code)
        behind = self._waits_for_number(rule.behind_captcha, budget, at)
        refusal = _overrun(snapshot, budget, rule, [*messages, *behind], code=self.code)
        return refusal or _overrun(snapshot, budget, replace(rule, mode=Mode.CAPTCHA), numbers, code=self.code)

    def claim(self, budget: Budget, now: datetime, *, using: str) -> Increment:
        at, numbers = now.timestamp(), _numbers(budget)
        spending = _spending(budget).after(at, self.counted)
        rates = (*self.rule.numbers, *self.rule.behind_captcha)
        self._write(budget, spending, numbers.after(self.mark, at, rates), now, using=using)
        return Increment(counter=self, budget=budget, moment=now, before=numbers.last.get(self.mark))

    def _waits_for_number(self, rates: Iterable[Rate], budget: Budget, at: float) -> list[tuple[int, str]]:
        numbers, mark = _numbers(budget), self.mark if self.exempts_known_numbers else ""
        return [(numbers.wait(mark, rate, at), f"numbers {rate}") for rate in rates]

    def give_back(self, claim: Increment, budget: Budget, now: datetime, *, using: str) -> None:
        numbers = _numbers(budget)
        # If the same phone was requested again since then, the later request keeps its mark.
        if numbers.last.get(self.mark) == claim.moment.timestamp():
            numbers = numbers.without(self.mark, claim.before)
        self._write(budget, _spending(budget).without(claim.moment.timestamp()), numbers, now, using=using)

    def _write(self, budget: Budget, spending: Spending, numbers: Numbers, now: datetime, *, using: str) -> None:
        history = {"spending": spending.dump(), "numbers": dict(numbers.last)}
        Budget.objects.using(using).claim(budget, now=now, history=history)


class PrefixCounter(PerOwnerCounter):
    """The budget of a prefix. All strangers share it."""

    code = "global_limit"
    # Else the answer would show strangers which numbers were requested lately.
    exempts_known_numbers = False


class GlobalCounter(BudgetCounter):
    """The budget of all requests. Within a slot it is counted by arithmetic on its row, so that no request must retry.

    The first request of a slot calculates from the history how much may be spent in the slot.
    """

    code = "global_limit"

    def look(self, snapshot: BudgetSnapshot) -> Overrun | None:
        budget, now = snapshot.budgets[self.key], snapshot.now
        if self._is_current(budget, now) and budget.slot_spent < budget.slot_limit:
            return None
        spending, at = self._spending_with_slot(budget), now.timestamp()
        waits = [(spending.wait(rate, at), f"messages {rate}") for rate in self.rule.limits]
        if self._is_current(budget, now):
            # The slot's limit was fixed when it began. It holds until the slot ends, even if a window has room by now.
            rest = budget.slot_began + self._slot_length() - int(at)
            waits = [(wait or rest, reason) for wait, reason in waits]
        return _overrun(snapshot, budget, self.rule, waits, code=self.code)

    def claim(self, budget: Budget, now: datetime, *, using: str) -> Increment:
        budgets = Budget.objects.using(using)
        if self._is_current(budget, now):
            budgets.spend(budget, beyond=self.rule.mode is not Mode.REFUSE)
        else:
            spending = self._spending_with_slot(budget)
            budgets.claim(
                budget,
                now=now,
                history={"spending": spending.dump()},
                # On the clock's own grid, as the parts of `Spending`, so that a slot lies within one of them.
                slot_began=int(now.timestamp()) // self._slot_length() * self._slot_length(),
                slot_spent=1,
                slot_limit=spending.room(self.rule.limits, now.timestamp()) or 0,
            )
        return Increment(counter=self, budget=budget, moment=now)

    def give_back(self, claim: Increment, budget: Budget, now: datetime, *, using: str) -> None:
        budgets = Budget.objects.using(using)
        if not budgets.take_back(claim.budget):  # another slot has begun, and the history has the message
            spending = _spending(budget).without(self._moment(claim.budget))
            budgets.claim(budget, now=now, history={"spending": spending.dump()})

    def _is_current(self, budget: Budget, now: datetime) -> bool:
        return now.timestamp() < budget.slot_began + self._slot_length()

    def _slot_length(self) -> int:
        return max(1, min(LONGEST_SLOT, min(rate.period for rate in self.rule.limits) // 60))

    def _spending_with_slot(self, budget: Budget) -> Spending:
        return _spending(budget).after(self._moment(budget), self.rule.limits, count=budget.slot_spent)

    def _moment(self, budget: Budget) -> int:
        # The slot's last second, so that no message of the slot leaves a window too early.
        return budget.slot_began + self._slot_length() - 1


class UnverifiedMonitor:
    """The budget of codes that a client requested and never verified. It is counted in the send log."""

    def __init__(self, rule: BudgetRule, client: str, *, owner: str, using: str) -> None:
        self.rule = rule
        self.client = client
        self.owner = owner
        self.key = f"{rule.name} {owner}"
        self._using = using

    def look(self, snapshot: BudgetSnapshot) -> Overrun | None:
        """Return the overrun if a limit is reached."""
        # The client's own budget counts all of its codes. Below a limit there, the log need not be read.
        spending, now = _spending(snapshot.budgets[f"client {self.owner}"]), snapshot.now
        limits = [rate for rate in self.rule.limits if spending.count(rate, now.timestamp()) >= rate.limit]
        if not limits:
            return None
        longest = timedelta(seconds=max(rate.period for rate in limits))
        unverified = Message.objects.using(self._using).unverified_codes(self.client, since=now - longest)
        moments = list(unverified.values_list("created_at", flat=True)[: max(rate.limit for rate in limits)])
        waits = [
            (math.ceil((moments[rate.limit - 1] - now).total_seconds() + rate.period), f"unverified {rate}")
            for rate in limits
            if len(moments) >= rate.limit
        ]
        return _overrun(snapshot, snapshot.budgets[self.key], self.rule, waits, code="client_limit")


def _overrun(
    snapshot: BudgetSnapshot, budget: Budget, rule: BudgetRule, waits: Sequence[tuple[int, str]], *, code: str
) -> Overrun | None:
    """Return the overrun of the limit with the longest wait, or None if no limit must be waited for."""
    wait, reason = max(waits, default=(0, ""))
    if wait <= 0:
        return None
    return Overrun(budget=budget, mode=rule.mode, code=code, reason=reason, retry_after=wait, moment=snapshot.now)


def _spending(budget: Budget) -> Spending:
    return Spending.load(budget.history.get("spending", {}))


def _numbers(budget: Budget) -> Numbers:
    return Numbers(last=budget.history.get("numbers", {}))
