"""Rows of batches: the message of each row, so that a batch that is run again goes on where it stopped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from django.db import IntegrityError, models
from django.db.models import Count
from django.utils.translation import gettext_lazy as _

from django_ihuyi.exceptions import BatchChanged
from django_ihuyi.models.messages import Message, State

#: Characters of a batch's name.
LONGEST_NAME = 64


class RowTaken(Exception):
    """Another run of the same batch was faster with this row."""


class BatchRowQuerySet(models.QuerySet["BatchRow"]):
    """Rules about the rows of batches, each decided by one conditional statement."""

    def at(self, batch: str, positions: Collection[int]) -> dict[int, Message]:
        """Return the messages of these rows, by position.

        Raise BatchChanged if the rows belong to a batch whose name differs only for Python: MariaDB ignores case, so
        "May" equals "may".
        """
        rows = list(self.filter(batch=batch, position__in=positions).select_related("message__recipient"))
        for row in rows:
            if row.batch != batch:
                raise BatchChanged(f"to this database {batch!r} is the batch {row.batch!r}: give it another name")
        return {row.position: row.message for row in rows}

    def assign(self, batch: str, position: int, *, message: Message, instead_of: Message | None) -> None:
        """Write the message of a row, in one transaction with the message itself.

        `instead_of` is the row's earlier message, which did not leave. Raise RowTaken if another run was faster.
        """
        if instead_of is None:
            try:
                self.bulk_create([BatchRow(batch=batch, position=position, message=message)])
            except IntegrityError as error:
                raise RowTaken from error
        elif not self.filter(batch=batch, position=position, message=instead_of).update(message=message):
            raise RowTaken

    def count_states(self, batch: str) -> Counter[str]:
        """Return how many messages of a batch are in each state."""
        states = self.filter(batch=batch).order_by().values_list("message__state")
        return Counter(dict(states.annotate(Count("pk"))))

    def queued(self, batch: str) -> list[Message]:
        """Return a batch's messages that no worker has taken yet, oldest first."""
        waiting = self.filter(batch=batch, message__state=State.QUEUED).select_related("message__recipient")
        return [row.message for row in waiting.order_by("message_id")]


class BatchRow(models.Model):
    """A row of a batch that has a message. Refused rows are not stored: they may be tried again."""

    #: The name that the caller gave it.
    batch = models.CharField(_("batch"), max_length=LONGEST_NAME)
    #: The row's place in the caller's list, from 1.
    position = models.PositiveBigIntegerField(_("position"))
    #: The row is deleted with its message: a batch is known for as long as RETENTION keeps its messages.
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="batch_rows", verbose_name=_("message"))

    objects = BatchRowQuerySet.as_manager()

    class Meta:
        verbose_name = _("row of a batch")
        verbose_name_plural = _("rows of batches")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["batch", "position"], name="ihuyi_batch_row_once")]

    def __str__(self) -> str:
        return f"{self.batch} {self.position}"
