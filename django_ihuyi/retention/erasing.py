"""Erase a batch of rows in the caller's transaction, with the rows of their recipients locked.

A send claims the recipient's row. While a purge has the row locked, no message that needs the number can be written. A
purge skips rows that are locked: a send or another purge is using them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.db import connections
from django.db.models import Exists, F, Model, OuterRef

from django_ihuyi import phones
from django_ihuyi.database.clock import DatabaseNow
from django_ihuyi.limits.guesses import REMEMBERED, count_in_a_row
from django_ihuyi.models import Message, Recipient
from django_ihuyi.models.recipients import RecipientQuerySet

#: {primary key of a row: primary key of its recipient}.
Owned = Mapping[Any, Any]

_IDENTIFY = "UPDATE ihuyi_recipient SET fingerprint = %s, mask = %s WHERE id = %s"


def delete(model: type[Model], rows: Collection[Any], *, using: str) -> int:
    """Delete rows and the rows that refer to them, or clear the reference if it may be NULL."""
    keys = list(rows)
    if not keys:
        return 0
    # One statement for each table. Django's collector would load every row first.
    for relation in model._meta.related_objects:
        referring = relation.related_model._base_manager.using(using).filter(**{f"{relation.field.name}__in": keys})
        if relation.field.null:
            referring.update(**{relation.field.name: None})
        else:
            referring._raw_delete(using)
    return model._base_manager.using(using).filter(pk__in=keys)._raw_delete(using)


def delete_expired(model: type[Model], rows: Collection[Any], *, using: str) -> int:
    """Delete rows without a recipient that are still expired: a key may have been taken again since it was selected."""
    over = model._base_manager.using(using).filter(pk__in=list(rows), expires_at__lte=DatabaseNow())
    return over._raw_delete(using) or 0


def delete_unused(model: type[Model], rows: Owned, *, using: str) -> int:
    """Delete rows without a recipient that were not used since they were selected; the owner is the last use."""
    unused = model._base_manager.using(using).filter(pk__in=list(rows), updated_at__lte=max(rows.values()))
    return unused._raw_delete(using) or 0


def delete_with_recipients(model: type[Model], rows: Owned, *, using: str) -> int:
    """Delete rows that belong to recipients, and recipients without any other data."""
    held = _hold(rows.values(), using=using)
    deleted = delete(model, _of_held(rows, held), using=using)
    drop_empty(held, using=using)
    _erase_numbers(held, using=using)
    return deleted


def erase_messages(model: type[Model], rows: Owned, *, using: str) -> int:
    """Erase text, variables and client of messages; erase a recipient's number with its last message that has them."""
    held = _hold(rows.values(), using=using)
    messages = model._base_manager.using(using).filter(pk__in=_of_held(rows, held), erased=False)
    erased = messages.update(text="", variables=[], client="", erased=True)
    _erase_numbers(held, using=using)
    return erased


def finish_forgetting(model: type[Model], rows: Owned, *, using: str) -> int:  # noqa: ARG001 - the signature of Erase
    """Delete the messages of forgotten numbers that were kept for the limits. Later messages stay."""
    held = _hold(rows.values(), using=using)
    messages = Message.objects.using(using).filter(recipient__in=[recipient.pk for recipient in held])
    counted = messages.filter(created_at__lte=F("recipient__forgotten_at"))
    delete(Message, counted.values_list("pk", flat=True), using=using)
    finished = _rows_of(held, using=using).update(forgotten_at=None)
    drop_empty(held, using=using)
    return finished


def drop_empty(held: Iterable[Recipient], *, using: str) -> None:
    """Delete the recipients without any other data. Wrong guesses in a row count as data."""
    _rows_of([recipient for recipient in held if not _has_failures(recipient)], using=using).drop_empty()


def _hold(keys: Iterable[Any], *, using: str) -> list[Recipient]:
    """Lock recipients, and return those that no other transaction has locked."""
    # Only SQLite lacks SKIP LOCKED. There, a transaction that writes locks the whole database.
    skip = connections[using].features.has_select_for_update_skip_locked
    recipients = Recipient.objects.using(using).filter(pk__in=set(keys)).order_by()
    columns = ("phone", "fingerprint", "mask", "guesses", "marks")
    return list(recipients.select_for_update(skip_locked=skip).only(*columns))


def _of_held(rows: Owned, held: Iterable[Recipient]) -> list[Any]:
    owners = {recipient.pk for recipient in held}
    return [key for key, owner in rows.items() if owner in owners]


def _rows_of(held: Iterable[Recipient], *, using: str) -> RecipientQuerySet:
    return Recipient.objects.using(using).filter(pk__in=[recipient.pk for recipient in held]).order_by()


def _has_failures(recipient: Recipient) -> bool:
    return any(sum(counts) >= REMEMBERED for counts in count_in_a_row(recipient).values())


def _erase_numbers(held: Iterable[Recipient], *, using: str) -> None:
    """Erase the numbers that no message needs any more."""
    numbered = [recipient for recipient in held if recipient.phone]
    _identify(numbered, using=using)
    kept = Message.objects.filter(recipient=OuterRef("pk"), erased=False)
    # The condition is part of the UPDATE, because in REPEATABLE READ only a write of MariaDB sees the current rows.
    # The new version makes a send that has read the number start again: a claim does not write the number back.
    unneeded = _rows_of(numbered, using=using).filter(~Exists(kept))
    unneeded.update(phone=None, version=F("version") + 1)


def _identify(numbered: Iterable[Recipient], *, using: str) -> None:
    """Renew fingerprints under the current key while the numbers are known, unless another row has the fingerprint."""
    stale: dict[str, tuple[str, str, int]] = {}
    for recipient in numbered:
        phone = str(recipient.phone)
        current = phones.fingerprint(phone)
        if recipient.fingerprint != current or not recipient.mask:
            stale[current] = (current, phones.mask(phone), recipient.pk)
    if not stale:
        return
    duplicates = Recipient.objects.using(using).filter(fingerprint__in=stale, phone=None)
    for fingerprint in duplicates.values_list("fingerprint", flat=True):
        del stale[str(fingerprint)]  # two rows of one phone: models/recipients.py, choose_row
    with connections[using].cursor() as cursor:
        cursor.executemany(_IDENTIFY, list(stale.values()))
