"""Budgets: counts of the messages that a client, a user, a number prefix or all together have caused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connections, models, transaction
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from django_ihuyi.database.clock import DatabaseNow, read_clock
from django_ihuyi.database.transactions import StaleRow, stale_if_refused

#: The key of the conversion breaker.
CONVERSION = "conversion"
#: Least time between two recorded refusals of one budget, so that most refused requests write nothing.
NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetSnapshot:
    """Some budgets by key, as the database had them at `now`. A budget without a row is an unsaved instance."""

    now: datetime
    budgets: Mapping[str, Budget]


class BudgetQuerySet(models.QuerySet["Budget"]):
    """Rules about budgets, each decided by one conditional statement."""

    def read(self, keys: Iterable[str]) -> BudgetSnapshot:
        """Return the budgets with these keys, and the database's time."""
        rows = list(self.filter(pk__in=keys).annotate(now=DatabaseNow()))
        now = rows[0].now if rows else read_clock(connections[self.db])  # type: ignore[attr-defined] # the annotation
        return BudgetSnapshot(now=now, budgets={key: Budget(key=key) for key in keys} | {row.pk: row for row in rows})

    def claim(self, budget: Budget, *, now: datetime, **changes: Any) -> None:
        """Write `changes` for exactly one of all callers that read the same state; raise StaleRow for the others."""
        for name, value in {**changes, "updated_at": now}.items():
            setattr(budget, name, value)
        if budget._state.adding:
            self._insert_first(budget)
            return
        # `spend` changes no version, so the count that was read is compared too.
        same = self.filter(pk=budget.pk, version=budget.version, slot_spent=budget.read_spent)
        if not same.update(version=budget.version + 1, updated_at=now, **changes):
            raise StaleRow
        budget.version += 1
        budget.read_spent = budget.slot_spent

    def spend(self, budget: Budget, *, beyond: bool = False) -> None:
        """Count one more in the slot that was read.

        The UPDATE adds to the present count, so parallel callers all succeed. Raise StaleRow if another slot has begun,
        or the slot is full and `beyond` is False.
        """
        slot = self.filter(pk=budget.pk, slot_began=budget.slot_began)
        if not beyond:
            slot = slot.filter(slot_spent__lt=F("slot_limit"))
        if not slot.update(slot_spent=F("slot_spent") + 1):
            raise StaleRow

    def take_back(self, budget: Budget) -> bool:
        """Undo one `spend`; return False if another slot has begun since."""
        slot = self.filter(pk=budget.pk, slot_began=budget.slot_began, slot_spent__gt=0)
        return bool(slot.update(slot_spent=F("slot_spent") - 1))

    def note(self, budget: Budget, reason: str, *, now: datetime) -> bool:
        """Record the reason of a refusal; return False if one was recorded within the last minute."""
        if budget.refused_at and now - budget.refused_at < NOTED_EVERY:
            return False
        budget.refused_at, budget.reason = now, reason
        if budget._state.adding:
            budget.updated_at = now
            # If another request has inserted the row, perhaps without a refusal, the UPDATE below decides.
            with suppress(StaleRow):
                self._insert_first(budget)
                return True
        due = self.filter(Q(refused_at=None) | Q(refused_at__lte=now - NOTED_EVERY), pk=budget.pk)
        return bool(due.update(refused_at=now, reason=reason))

    def clear(self, budget: Budget) -> None:
        """Reset a budget. The conversion breaker then looks only at codes that are sent from now on."""
        if budget.name != CONVERSION:
            self.filter(pk=budget.pk).delete()
            return
        now = self.read([budget.pk]).now
        self.filter(pk=budget.pk).update(history={"since": now.timestamp()}, version=F("version") + 1)

    def _insert_first(self, budget: Budget) -> None:
        # A savepoint: on PostgreSQL a refused insert would end a transaction of the caller.
        with stale_if_refused(), transaction.atomic(using=self.db):
            budget.save(force_insert=True, using=self.db)


class Budget(models.Model):
    """The counts of one budget. Each recent client, user and prefix has a row; one row counts all requests."""

    #: The name in BUDGETS and, after a blank, the owner: "client 203.0.113.7", "global".
    key = models.CharField(_("budget"), primary_key=True, max_length=96)
    #: Grows with every claim, so that a claim succeeds only on the state that was read.
    version = models.PositiveBigIntegerField(default=0, editable=False)
    #: Spending and numbers (guards/budgets/), or the stage of the conversion breaker.
    history = models.JSONField(_("history"), default=dict, editable=False)
    #: For a budget that many requests spend at once: the start of the present slot, its count, and its limit.
    slot_began = models.PositiveBigIntegerField(default=0, editable=False)
    slot_spent = models.PositiveBigIntegerField(default=0, editable=False)
    slot_limit = models.PositiveBigIntegerField(default=0, editable=False)
    #: Time and reason of the last refusal, also of one that was only reported.
    refused_at = models.DateTimeField(_("refused at"), null=True, editable=False)
    reason = models.CharField(_("reason"), max_length=64, blank=True, editable=False)
    updated_at = models.DateTimeField(_("updated at"), editable=False)

    objects = BudgetQuerySet.as_manager()

    class Meta:
        verbose_name = _("budget")
        verbose_name_plural = _("budgets")
        ordering = ["-updated_at"]
        indexes = [
            models.Index(fields=["refused_at"], name="ihuyi_budget_refused"),
            models.Index(fields=["updated_at"], name="ihuyi_budget_updated"),
        ]
        permissions = [("clear_budget", _("Can clear a budget"))]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: `slot_spent` when the row was read: a claim succeeds only while the row still has it.
        self.read_spent = self.slot_spent

    def __str__(self) -> str:
        return self.key

    @property
    def name(self) -> str:
        """The budget's name in BUDGETS."""
        return self.key.partition(" ")[0]

    @property
    def owner(self) -> str:
        """A client's address, a user's primary key or a number prefix; empty for the budget of all requests."""
        return self.key.partition(" ")[2]
