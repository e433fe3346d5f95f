"""Budgets: what a client, a user, a prefix or everybody has spent of what strangers may make us spend."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, connections, models, transaction
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from django_ihuyi.database.clock import DatabaseNow, sql_now, to_datetime
from django_ihuyi.database.transactions import StaleRow

#: The key of the conversion breaker.
CONVERSION = "conversion"
#: How often one budget's refusals are written down and told of: somebody who is refused costs no writes.
NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetSnapshot:
    """What the database knew of some budgets at `now`, by their keys; those never seen before are not saved."""

    now: datetime
    budgets: Mapping[str, Budget]


class BudgetQuerySet(models.QuerySet["Budget"]):
    """Rules about budgets that one conditional statement judges."""

    def read(self, keys: Iterable[str]) -> BudgetSnapshot:
        """Return the budgets of these keys, and the database's time."""
        rows = list(self.filter(pk__in=keys).annotate(now=DatabaseNow()))
        now = rows[0].now if rows else self._read_clock()  # type: ignore[attr-defined] # the annotation
        return BudgetSnapshot(now=now, budgets={key: Budget(key=key) for key in keys} | {row.pk: row for row in rows})

    def claim(self, budget: Budget, *, now: datetime, **changes: Any) -> None:
        """Write `changes` for exactly one of all who read `budget` as it is; raises StaleRow for the others."""
        for name, value in {**changes, "updated_at": now}.items():
            setattr(budget, name, value)
        if budget._state.adding:
            self._insert_first(budget)
            return
        # What `spend` counts leaves the version alone.
        same = self.filter(pk=budget.pk, version=budget.version, slot_spent=budget.read_spent)
        if not same.update(version=budget.version + 1, updated_at=now, **changes):
            raise StaleRow
        budget.version += 1
        budget.read_spent = budget.slot_spent

    def spend(self, budget: Budget, *, beyond: bool = False) -> None:
        """Count one more in the slot that was read, by arithmetic alone, so that all who come at once may win.

        Raises StaleRow if the slot is full (unless `beyond` it may be spent), or another one has begun.
        """
        slot = self.filter(pk=budget.pk, slot_began=budget.slot_began)
        if not beyond:
            slot = slot.filter(slot_spent__lt=F("slot_limit"))
        if not slot.update(slot_spent=F("slot_spent") + 1):
            raise StaleRow

    def take_back(self, budget: Budget) -> bool:
        """Undo what `spend` did; False if another slot has begun since."""
        slot = self.filter(pk=budget.pk, slot_began=budget.slot_began, slot_spent__gt=0)
        return bool(slot.update(slot_spent=F("slot_spent") - 1))

    def note(self, budget: Budget, reason: str, *, now: datetime) -> bool:
        """Write down why somebody was refused; False if that was done within the last minute."""
        if budget.refused_at and now - budget.refused_at < NOTED_EVERY:
            return False
        budget.refused_at, budget.reason = now, reason
        if budget._state.adding:
            budget.updated_at = now
            try:
                self._insert_first(budget)
            except StaleRow:
                pass  # whoever made the row has written a refusal down, or only spent
            else:
                return True
        due = self.filter(Q(refused_at=None) | Q(refused_at__lte=now - NOTED_EVERY), pk=budget.pk)
        return bool(due.update(refused_at=now, reason=reason))

    def clear(self, budget: Budget) -> None:
        """Let a budget begin anew; the conversion breaker looks only at codes that are sent from now on."""
        if budget.name != CONVERSION:
            self.filter(pk=budget.pk).delete()
            return
        now = self.read([budget.pk]).now
        self.filter(pk=budget.pk).update(history={"since": now.timestamp()}, version=F("version") + 1)

    def _insert_first(self, budget: Budget) -> None:
        try:
            # A conflict must not end a transaction of the caller.
            with transaction.atomic(using=self.db):
                budget.save(force_insert=True, using=self.db)
        except IntegrityError as error:
            raise StaleRow from error

    def _read_clock(self) -> datetime:
        connection = connections[self.db]
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {sql_now(connection.vendor)}", [])
            return to_datetime(cursor.fetchone()[0], connection)


class Budget(models.Model):
    """What was spent of one budget. There is a row for each client, user and prefix of late, and one for everybody."""

    #: The name in BUDGETS and, after a blank, what it counts apart: "client 203.0.113.7", "global".
    key = models.CharField(_("budget"), primary_key=True, max_length=96)
    #: Grows with every claim, so that a claim holds only for the state it was decided on.
    version = models.PositiveBigIntegerField(default=0, editable=False)
    #: What limits/ remembers of it: spending and numbers, or the conversion breaker's stage.
    history = models.JSONField(_("history"), default=dict, editable=False)
    #: Of a budget that many spend at once: since when the present slot counts, what was spent in it, and may be.
    slot_began = models.PositiveBigIntegerField(default=0, editable=False)
    slot_spent = models.PositiveBigIntegerField(default=0, editable=False)
    slot_limit = models.PositiveBigIntegerField(default=0, editable=False)
    #: When and why somebody was last refused, or would have been.
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
        #: What was spent in the slot when the row was read: a claim holds only as long as that is so.
        self.read_spent = self.slot_spent

    def __str__(self) -> str:
        return self.key

    @property
    def name(self) -> str:
        """The budget's name in BUDGETS."""
        return self.key.partition(" ")[0]

    @property
    def owner(self) -> str:
        """Whom it counts: an address, a user's primary key, how numbers begin; empty for everybody."""
        return self.key.partition(" ")[2]
