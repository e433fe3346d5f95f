"""What has its time: the steps of a purge. A further one is a further entry of STEPS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Protocol

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


class Erase(Protocol):
    """Erase rows of a model, in the caller's transaction; return how many were."""

    def __call__(self, model: type[Model], rows: erasing.Owned, *, using: str) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Rows of one model that are erased when their time is over."""

    name: str | Promise
    model: type[Model]
    #: The column that their time is counted from; an index begins with `only` and ends with it.
    since: str
    #: How long they are kept; None for ever.
    kept: Callable[[], timedelta | None]
    only: dict[str, Any] = field(default_factory=dict)
    erase: Erase = erasing.delete_with_recipients
    #: The column that names the recipient. Rows that belong to none have "pk" here, and `erasing.delete_expired` above;
    #: or the time of their last use, and `erasing.delete_unused`.
    owner: str = "recipient_id"

    def due(self, *, using: str, grace: timedelta = timedelta(0)) -> QuerySet[Any]:
        """Return the rows whose time was over so long ago, oldest first."""
        # In the index's whole order: PostgreSQL does not see that a column that is NULL in all rows orders nothing.
        rows = self.model._base_manager.using(using).order_by(*self.only, self.since)
        kept = self.kept()
        if kept is None:
            return rows.none()
        return rows.filter(**self.only, **{f"{self.since}__lt": DatabaseNow() - (kept + grace)})


#: In their order: what refers to other rows goes before them.
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
    Step(
        name=_("answers to idempotency keys"),
        model=IdempotencyKey,
        since="expires_at",
        kept=timedelta,
        erase=erasing.delete_expired,
        owner="pk",
    ),
    Step(
        name=_("spent captchas"),
        model=SpentCaptcha,
        since="expires_at",
        kept=timedelta,
        erase=erasing.delete_expired,
        owner="pk",
    ),
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
