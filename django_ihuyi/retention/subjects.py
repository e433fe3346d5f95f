"""Export or erase all data about one number (PIPL, articles 45 and 47)."""

from __future__ import annotations

from typing import Any

from django.db import router, transaction
from django.db.models import Model
from django.views.decorators.debug import sensitive_variables

from django_ihuyi.database import transactions
from django_ihuyi.database.clock import DatabaseNow
from django_ihuyi.models import Message, Recipient, Reply, State, Verification
from django_ihuyi.models.recipients import choose_row
from django_ihuyi.models.unmatched_receipts import UnmatchedReceipt
from django_ihuyi.retention import erasing
from django_ihuyi.retention.periods import COUNTED

#: Columns that are not exported: they contain no personal data, but allow to derive or guess a live code.
WITHHELD: dict[type[Model], set[str]] = {
    Recipient: {"version"},
    Verification: {"id", "seed", "key_id", "recipient_id"},
    Message: {"verification_id", "recipient_id"},
    Reply: {"recipient_id", "digest"},
    UnmatchedReceipt: {"recipient_id"},
}


@sensitive_variables()
def export(phone: str, *, using: str | None = None) -> dict[str, Any]:
    """Return all data about a canonical number, except the columns that a code could be derived from."""
    recipients = Recipient.objects.using(using or router.db_for_write(Recipient)).of(phone)
    return {"phone": phone, "recipients": [_export_all(recipient) for recipient in recipients]}


@sensitive_variables()
def forget(phone: str, *, using: str | None = None) -> bool:
    """Erase a canonical number and all data about it. Return False if there were none.

    Under the number's fingerprint, the times of its messages stay for 25 hours, because the limits count them. Opt-outs
    and suppressions stay until they are lifted, and five or more wrong guesses in a row until a right one. Without
    these exceptions, erasing a number would be a way around every limit. No device mark issued before counts.
    """
    database = using or router.db_for_write(Recipient)
    return transactions.retry(lambda: _forget(phone, using=database), using=database)


def _forget(phone: str, *, using: str) -> bool:
    recipients = Recipient.objects.using(using)
    with transaction.atomic(using=using):
        recipient, others = choose_row(recipients.of(phone), phone=phone)
        if recipient._state.adding:  # choose_row() found no row
            return False
        for row in [recipient, *others]:
            recipients.claim(row)  # a send that has read the row reads it again after this transaction
            _erase_rows(row, using=using)
            recipients.filter(pk=row.pk).update(
                phone=None,
                mask="",
                holder="",
                forgotten_at=DatabaseNow(),
                marks_from=DatabaseNow(),
                marks={"guesses": row.marked_guesses} if row.marked_guesses else {},
            )
        erasing.drop_empty([recipient, *others], using=using)
    return True


def _erase_rows(recipient: Recipient, *, using: str) -> None:
    for model in (Reply, UnmatchedReceipt, Verification):
        rows = model._base_manager.using(using).filter(recipient=recipient)
        erasing.delete(model, list(rows.values_list("pk", flat=True)), using=using)
    messages = Message.objects.using(using).filter(recipient=recipient)
    uncounted = messages.filter(created_at__lt=DatabaseNow() - COUNTED)
    erasing.delete(Message, list(uncounted.values_list("pk", flat=True)), using=using)
    unsent = {"state": State.UNSENT, "counted": False, "fault": "forgotten", "finished_at": DatabaseNow()}
    messages.filter(state=State.QUEUED).update(**unsent)
    messages.update(text="", variables=[], client="", erased=True, sampled_at=None)


def _export_all(recipient: Recipient) -> dict[str, Any]:
    exported = _export_row(recipient)
    for relation in Recipient._meta.related_objects:
        rows = relation.related_model._base_manager.using(recipient._state.db).filter(
            **{relation.field.name: recipient}
        )
        exported[str(relation.get_accessor_name())] = [_export_row(row) for row in rows.order_by("pk")]
    return exported


def _export_row(row: Model) -> dict[str, Any]:
    withheld = WITHHELD.get(type(row), set())
    return {
        field.attname: getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if field.attname not in withheld
    }
