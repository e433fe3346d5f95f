"""The steps of a purge: which rows are erased after which period. To erase other rows, add an entry to STEPS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from django.db.models import Model, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from django_ihuyi.database.clock import DatabaseNow
from django_ihuyi.guards.budgets.rules import longest_period
from django_ihuyi.models import Message, Recipient, Reply, Verification, unmatched_receipts
from django_ihuyi.models.budgets import Budget
from django_ihuyi.models.captchas import SpentCaptcha
from django_ihuyi.models.idempotency_keys import IdempotencyKey
from django_ihuyi.models.unmatched_receipts import UnmatchedReceipt
from django_ihuyi.retention import erasing
from django_ihuyi.retention.periods import COUNTED, message_period, period

#: Erase rows of a model in the caller's transaction: erase(model, rows, using=alias). Return the number of rows.
Erase = Callable[..., int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Rows of one model that are erased after a period."""

    name: str | Promise
    model: type[Model]
    #: The column with the start of the period. An index has the columns of `only` followed by this one.
    since: str
    #: Return the period; None means unlimited.
    kept: Callable[[], timedelta | None]
    only: dict[str, Any] = field(default_factory=dict)
    erase: Erase = erasing.delete_with_recipients
    #: The column of the recipient. Rows without a recipient have "pk" here with `erasing.delete_expired`, or the time
    #: of their last use with `erasing.delete_unused`.
    owner: str = "recipient_id"

    def due(self, *, using: str, grace: timedelta = timedelta(0)) -> QuerySet[Any]:
        """Return the rows whose period ended at least `grace` ago, oldest first."""
        # Order by all columns of the index: PostgreSQL does not take a column that is NULL in all rows for constant.
        rows = self.model._base_manager.using(using).order_by(*self.only, self.since)
        kept = self.kept()
        if kept is None:
            return rows.none()
        return rows.filter(**self.only, **{f"{self.since}__lt": DatabaseNow() - (kept + grace)})


def _expiring(name: Promise, model: type[Model]) -> Step:
    """Return a step for rows that have their own end, and no recipient."""
    return Step(name=name, model=model, since="expires_at", kept=timedelta, erase=erasing.delete_expired, owner="pk")


#: In this order: rows are erased before the rows they refer to.
STEPS: list[Step] = [
    Step(name=_("messages"), model=Message, since="created_at", kept=message_period),
    Step(
        name=_("numbers and texts"),
        model=Message,
        since="created_at",
        only={"erased": False},
        kept=partial(period, "phone_days"),
        erase=erasing.erase_messages,
    ),
    Step(name=_("replies"), model=Reply, since="received_at", kept=partial(period, "reply_days")),
    Step(
        name=_("verifications that did not succeed"),
        model=Verification,
        since="expires_at",
        only={"verified_at": None},
        kept=partial(period, "unverified_hours"),
    ),
    Step(
        name=_("verifications that succeeded"),
        model=Verification,
        since="verified_at",
        kept=partial(period, "verification_days"),
    ),
    Step(
        name=_("unmatched receipts"),
        model=UnmatchedReceipt,
        since="received_at",
        kept=lambda: unmatched_receipts.LIFETIME,
    ),
    _expiring(_("answers to idempotency keys"), IdempotencyKey),
    _expiring(_("spent captchas"), SpentCaptcha),
    Step(
        name=_("budgets"),
        model=Budget,
        since="updated_at",
        kept=lambda: longest_period() + timedelta(days=1),
        erase=erasing.delete_unused,
        owner="updated_at",
    ),
    Step(
        name=_("forgotten numbers"),
        model=Recipient,
        since="forgotten_at",
        kept=lambda: COUNTED,
        erase=erasing.finish_forgetting,
        owner="pk",
    ),
]
