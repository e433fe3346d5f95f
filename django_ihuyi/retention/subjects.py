"""What is held about one number: hand it out, or erase it (PIPL, articles 45 and 47)."""

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

#: What opens a door and says nothing about anybody: from these a live code is derived, or a guess is made.
WITHHELD: dict[type[Model], set[str]] = {
    Recipient: {"version"},
    Verification: {"id", "seed", "key_id", "recipient_id"},
    Message: {"verification_id", "recipient_id"},
    Reply: {"recipient_id", "digest"},
    UnmatchedReceipt: {"recipient_id"},
}


@sensitive_variables()
def export(phone: str, *, using: str | None = None) -> dict[str, Any]:
    """Return all that is held about a canonical number, but for what codes are derived from."""
    recipients = Recipient.objects.using(using or router.db_for_write(Recipient)).of(phone)
    return {"phone": phone, "recipients": [_tell_all(recipient) for recipient in recipients]}


@sensitive_variables()
def forget(phone: str, *, using: str | None = None) -> bool:
    """Erase a canonical number and all that is held about it; False if there was nothing.

    What the limits count is kept for 25 hours, under the number's fingerprint: that a message was sent, and when. A
    refusal is kept until somebody takes it back: that the phone wants no advertisements, that the platform suppressed
    it; and five or more wrong guesses in a row are kept until a right one. Otherwise to be forgotten would be the way
    round each of them.
    """
    database = using or router.db_for_write(Recipient)
    return transactions.retry(lambda: _forget(phone, using=database), using=database)


def _forget(phone: str, *, using: str) -> bool:
    recipients = Recipient.objects.using(using)
    with transaction.atomic(using=using):
        recipient, others = choose_row(recipients.of(phone), phone=phone)
        if recipient._state.adding:
            return False
        for row in [recipient, *others]:
            recipients.claim(row)  # a send that has read the row reads it again after this transaction
            _erase_rows(row, using=using)
            recipients.filter(pk=row.pk).update(phone=None, mask="", holder="", forgotten_at=DatabaseNow())
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
    messages.update(text="", variables=[], client="", erased=True)


def _tell_all(recipient: Recipient) -> dict[str, Any]:
    told = _tell(recipient)
    for relation in Recipient._meta.related_objects:
        rows = relation.related_model._base_manager.using(recipient._state.db).filter(
            **{relation.field.name: recipient}
        )
        told[str(relation.get_accessor_name())] = [_tell(row) for row in rows.order_by("pk")]
    return told


def _tell(row: Model) -> dict[str, Any]:
    withheld = WITHHELD.get(type(row), set())
    return {
        field.attname: getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if field.attname not in withheld
    }
