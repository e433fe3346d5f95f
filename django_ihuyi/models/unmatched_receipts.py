"""Unmatched receipts: receipts whose message is not known yet. Their number and age are bounded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_ihuyi.database.clock import DatabaseNow
from django_ihuyi.models.messages import Message, State
from django_ihuyi.models.receipts import Receipt
from django_ihuyi.models.recipients import Recipient

#: Most rows that are kept; beyond that the oldest are deleted.
MAX_UNMATCHED = 10_000
#: How long a row is kept.
LIFETIME = timedelta(hours=24)
#: Most rows of one read or DELETE.
_BATCH = 500


class UnmatchedReceiptQuerySet(models.QuerySet["UnmatchedReceipt"]):
    """Rules about many unmatched receipts."""

    def keep(self, receipt: Receipt) -> bool:
        """Store a receipt once; return False for a phone that no message was ever sent to."""
        recipient = Recipient.objects.using(self.db).of(receipt.phone).first()
        if recipient is None:
            return False
        row = UnmatchedReceipt(
            recipient=recipient,
            platform_id=receipt.platform_id,
            is_delivered=receipt.is_delivered,
            code=receipt.code,
            text=receipt.text,
            reported_at=receipt.reported_at,
            received_at=DatabaseNow(),
        )
        # The platform may send a receipt again. bulk_create, because save() cannot ignore a conflict.
        self.bulk_create([row], ignore_conflicts=True)
        # Two statements, because MariaDB cannot delete from a table that the same statement reads.
        for pk in self.order_by("-id").values_list("pk", flat=True)[MAX_UNMATCHED : MAX_UNMATCHED + 1]:
            self.filter(pk__lte=pk).delete()
        return True

    def forget_old(self) -> None:
        """Delete receipts older than LIFETIME."""
        # Read first, then deleted by primary key: a DELETE by time locks rows in another order than a DELETE by key,
        # and the two end in a deadlock on MariaDB.
        old = list(self.filter(received_at__lt=DatabaseNow() - LIFETIME).values_list("pk", flat=True)[:_BATCH])
        if old:
            self.filter(pk__in=old).delete()

    def promising(self, *, newest: int | None = None) -> Iterator[UnmatchedReceipt]:
        """Yield receipts whose message may be known by now, among all rows or the `newest` ones."""
        left = MAX_UNMATCHED if newest is None else newest
        rows = self.select_related("recipient").order_by("-id")
        batch = list(rows[: min(left, _BATCH)])
        while batch:
            yield from self._promising_of(batch)
            left -= len(batch)
            batch = list(rows.filter(pk__lt=batch[-1].pk)[: min(left, _BATCH)]) if left > 0 else []

    def of_message(self, message: Message) -> UnmatchedReceiptQuerySet:
        """Return receipts that may be about a message in the state SUBMITTED or UNKNOWN."""
        rows = self.select_related("recipient").filter(recipient_id=message.recipient_id)
        return rows.filter(platform_id=message.platform_id) if message.platform_id else rows

    def _promising_of(self, rows: list[UnmatchedReceipt]) -> Iterator[UnmatchedReceipt]:
        recipients = {row.recipient_id for row in rows}
        messages = Message.objects.using(self.db).filter(recipient__in=recipients)
        named = set(
            messages.filter(platform_id__in={row.platform_id for row in rows}).values_list(
                "recipient_id", "platform_id"
            )
        )
        nameless = set(messages.filter(platform_id="", state=State.UNKNOWN).values_list("recipient_id", flat=True))
        for row in rows:
            if (row.recipient_id, row.platform_id) in named or row.recipient_id in nameless:
                yield row


class UnmatchedReceipt(models.Model):
    """A receipt without a message: it came before the answer to the call, or is not about one of our messages."""

    recipient = models.ForeignKey(
        Recipient,
        on_delete=models.CASCADE,
        related_name="unmatched_receipts",
        db_index=False,  # the constraint ihuyi_unmatched_once begins with this column
        verbose_name=_("recipient"),
    )
    platform_id = models.CharField(_("platform id"), max_length=64)
    is_delivered = models.BooleanField(_("delivered"))
    code = models.CharField(_("receipt code"), max_length=32)
    text = models.CharField(_("receipt text"), max_length=200, blank=True)
    reported_at = models.DateTimeField(_("reported at"), null=True)
    received_at = models.DateTimeField(_("received at"))

    objects = UnmatchedReceiptQuerySet.as_manager()

    class Meta:
        verbose_name = _("unmatched receipt")
        verbose_name_plural = _("unmatched receipts")
        ordering = ["-id"]
        indexes = [models.Index(fields=["received_at"], name="ihuyi_unmatched_received")]
        constraints = [
            models.UniqueConstraint(fields=["recipient", "platform_id", "is_delivered"], name="ihuyi_unmatched_once"),
        ]

    def __str__(self) -> str:
        return f"{self.recipient} {self.received_at:%Y-%m-%d %H:%M}"

    @property
    def receipt(self) -> Receipt:
        """The receipt as it came."""
        return Receipt(
            platform_id=self.platform_id,
            phone=self.recipient.phone or "",
            is_delivered=self.is_delivered,
            code=self.code,
            text=self.text,
            reported_at=self.reported_at,
        )
