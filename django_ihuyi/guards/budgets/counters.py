"""Budget counters. Each increment is one conditional write in the database, and can be undone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django_ihuyi.guards.budgets.distinct_numbers import Numbers
from django_ihuyi.guards.budgets.rules import BudgetRule, Mode, Overrun
from django_ihuyi.guards.budgets.sliding_window import Spending
from django_ihuyi.models.budgets import Budget
from django_ihuyi.rates import Rate

#: A slot of a counter is at most so long (seconds): settings that were changed are taken over when the next one begins.
LONGEST_SLOT = 60


class BudgetCounter(ABC):
    """One budget, for one owner of it."""

    #: What is answered, as in the REST API.
    code = "client_limit"

    def __init__(self, rule: BudgetRule, owner: str = "") -> None:
        self.rule = rule
        self.key = f"{rule.name} {owner}".strip()

    @abstractmethod
    def look(self, budget: Budget, now: datetime) -> Overrun | None:
        """Say whether one more is too many."""

    @abstractmethod
    def claim(self, budget: Budget, now: datetime, *, using: str) -> Increment:
        """Count one more, for the budget as it was read; raises StaleRow."""

    @abstractmethod
    def give_back(self, claim: Increment, budget: Budget, now: datetime, *, using: str) -> None:
        """Undo an increment, on the budget as it was read; raises StaleRow."""

    @property
    def refuses(self) -> bool:
        """Whether one too many is refused."""
        return self.rule.mode is Mode.REFUSE

    def is_empty(self) -> bool:
        """Say whether there is nothing to count."""
        return not (self.rule.limits or self.rule.numbers)

    def _overrun(self, budget: Budget, waits: Sequence[tuple[int, str]]) -> Overrun | None:
        wait, reason = max(waits, default=(0, ""))
        if not wait:
            return None
        return Overrun(budget=budget, mode=self.rule.mode, code=self.code, reason=reason, retry_after=wait)


@dataclass(frozen=True, slots=True, kw_only=True)
class Increment:
    """One message that a counter has counted, so that it can be undone."""

    counter: BudgetCounter
    budget: Budget
    moment: datetime
    #: When the phone had been asked for before, in seconds since the epoch.
    before: float | None = None


class PerOwnerCounter(BudgetCounter):
    """A budget that few spend at once: its whole memory is read, decided on, and claimed by the row's version."""

    def __init__(
        self, rule: BudgetRule, owner: str, *, mark: str, also: Sequence[Rate] = (), code: str = "client_limit"
    ) -> None:
        super().__init__(rule, owner)
        self.mark = mark
        self.code = code
        #: What is counted beside the rule's own limits, because another rule looks at it.
        self.counted = (*rule.limits, *also)

    def is_empty(self) -> bool:
        return not (self.counted or self.rule.numbers)

    def look(self, budget: Budget, now: datetime) -> Overrun | None:
        spending, numbers, at = load_spending(budget), _numbers(budget), now.timestamp()
        return self._overrun(
            budget,
            [
                *((spending.wait(rate, at), f"messages {rate}") for rate in self.rule.limits),
                *((numbers.wait(self.mark, rate, at), f"numbers {rate}") for rate in self.rule.numbers),
            ],
        )

    def claim(self, budget: Budget, now: datetime, *, using: str) -> Increment:
        at, numbers = now.timestamp(), _numbers(budget)
        spending = load_spending(budget).after(at, self.counted)
        self._write(budget, spending, numbers.after(self.mark, at, self.rule.numbers), now, using=using)
        return Increment(counter=self, budget=budget, moment=now, before=numbers.last.get(self.mark))

    def give_back(self, claim: Increment, budget: Budget, now: datetime, *, using: str) -> None:
        numbers = _numbers(budget)
        # Somebody else may have asked for the same phone since: then it stays.
        if numbers.last.get(self.mark) == claim.moment.timestamp():
            numbers = numbers.without(self.mark, claim.before)
        self._write(budget, load_spending(budget).without(claim.moment.timestamp()), numbers, now, using=using)

    def _write(self, budget: Budget, spending: Spending, numbers: Numbers, now: datetime, *, using: str) -> None:
        history = {"spending": spending.dump(), "numbers": dict(numbers.last)}
        Budget.objects.using(using).claim(budget, now=now, history=history)


class GlobalCounter(BudgetCounter):
    """A budget that everybody spends at once: within a slot by arithmetic on its row, so that nobody loses a race.

    When a slot begins, whoever comes first works out from the memory how much may be spent in it.
    """

    code = "global_limit"

    def look(self, budget: Budget, now: datetime) -> Overrun | None:
        if self._is_current(budget, now) and budget.slot_spent < budget.slot_limit:
            return None
        spending, at = self._spending(budget), now.timestamp()
        waits = [(spending.wait(rate, at), f"messages {rate}") for rate in self.rule.limits]
        if self._is_current(budget, now):  # its limit was worked out when it began, and holds until it ends
            rest = budget.slot_began + self._slot_length() - int(at)
            waits = [(wait or rest, reason) for wait, reason in waits]
        return self._overrun(budget, waits)

    def claim(self, budget: Budget, now: datetime, *, using: str) -> Increment:
        budgets = Budget.objects.using(using)
        if self._is_current(budget, now):
            budgets.spend(budget, beyond=not self.refuses)
        else:
            spending = self._spending(budget)
            budgets.claim(
                budget,
                now=now,
                history={"spending": spending.dump()},
                # On the clock's own grid, as the parts of limits.spending, so that a slot lies within one of them.
                slot_began=int(now.timestamp()) // self._slot_length() * self._slot_length(),
                slot_spent=1,
                slot_limit=spending.room(self.rule.limits, now.timestamp()) or 0,
            )
        return Increment(counter=self, budget=budget, moment=now)

    def give_back(self, claim: Increment, budget: Budget, now: datetime, *, using: str) -> None:
        budgets = Budget.objects.using(using)
        if budgets.take_back(claim.budget):
            return
        spending = load_spending(budget).without(self._moment(claim.budget))
        budgets.claim(budget, now=now, history={"spending": spending.dump()})

    def _is_current(self, budget: Budget, now: datetime) -> bool:
        return now.timestamp() < budget.slot_began + self._slot_length()

    def _slot_length(self) -> int:
        return max(1, min(LONGEST_SLOT, min(rate.period for rate in self.rule.limits) // 60))

    def _spending(self, budget: Budget) -> Spending:
        """Return all that is remembered, with the slot that was read."""
        return load_spending(budget).after(self._moment(budget), self.rule.limits, count=budget.slot_spent)

    def _moment(self, budget: Budget) -> int:
        # The slot's last second, so that nothing that was spent in it leaves a window too early.
        return budget.slot_began + self._slot_length() - 1


def load_spending(budget: Budget) -> Spending:
    """Return what a budget's row remembers of messages."""
    return Spending.load(budget.history.get("spending", {}))


def _numbers(budget: Budget) -> Numbers:
    return Numbers(last=budget.history.get("numbers", {}))
