"""Erase a batch of rows, in the caller's transaction; the recipients that they belong to are held meanwhile.

A recipient's row is what a send claims. So while it is held no message comes to be that would need the number; and
whoever finds it held leaves it: a number that is just being sent to, or one that another purge is at work on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.db import connections
from django.db.models import Exists, F, Model, OuterRef

from django_ihuyi import phones
from django_ihuyi.database.clock import DatabaseNow
from django_ihuyi.limits.guesses import REMEMBERED
from django_ihuyi.models import Message, Recipient
from django_ihuyi.models.recipients import RecipientQuerySet

#: Primary keys of rows, each with that of the recipient that it belongs to.
Owned = Mapping[Any, Any]

_IDENTIFY = "UPDATE ihuyi_recipient SET fingerprint = %s, mask = %s WHERE id = %s"


def delete(model: type[Model], rows: Collection[Any], *, using: str) -> int:
    """Delete rows, after what refers to them; in one statement each, where Django's collector would load every row."""
    keys = list(rows)
    if not keys:
        return 0
    for relation in model._meta.related_objects:
        referring = relation.related_model._base_manager.using(using).filter(**{f"{relation.field.name}__in": keys})
        if relation.field.null:
            referring.update(**{relation.field.name: None})
        else:
            referring._raw_delete(using)
    return model._base_manager.using(using).filter(pk__in=keys)._raw_delete(using)


def delete_expired(model: type[Model], rows: Collection[Any], *, using: str) -> int:
    """Delete rows without a recipient, as far as their time still is over: a name may have been taken over since."""
    over = model._base_manager.using(using).filter(pk__in=list(rows), expires_at__lte=DatabaseNow())
    return over._raw_delete(using) or 0


def delete_unused(model: type[Model], rows: Owned, *, using: str) -> int:
    """Delete rows without a recipient that nobody has used since they were picked; each comes with its last use."""
    unused = model._base_manager.using(using).filter(pk__in=list(rows), updated_at__lte=max(rows.values()))
    return unused._raw_delete(using) or 0


def delete_with_recipients(model: type[Model], rows: Owned, *, using: str) -> int:
    """Delete rows that belong to recipients, and each recipient of whom nothing else is remembered."""
    held = _hold(rows.values(), using=using)
    deleted = delete(model, _of_held(rows, held), using=using)
    drop_empty(held, using=using)
    _erase_numbers(held, using=using)
    return deleted


def erase_messages(model: type[Model], rows: Owned, *, using: str) -> int:
    """Empty messages of what they said and who asked for them; a recipient's number goes with its last one."""
    held = _hold(rows.values(), using=using)
    messages = model._base_manager.using(using).filter(pk__in=_of_held(rows, held), erased=False)
    erased = messages.update(text="", variables=[], client="", erased=True)
    _erase_numbers(held, using=using)
    return erased


def finish_forgetting(model: type[Model], rows: Owned, *, using: str) -> int:  # noqa: ARG001 - as every Erase
    """Delete what was left of forgotten numbers because the limits counted it; what came later stays."""
    held = _hold(rows.values(), using=using)
    messages = Message.objects.using(using).filter(recipient__in=[recipient.pk for recipient in held])
    counted = messages.filter(created_at__lte=F("recipient__forgotten_at"))
    delete(Message, counted.values_list("pk", flat=True), using=using)
    finished = _rows_of(held, using=using).update(forgotten_at=None)
    drop_empty(held, using=using)
    return finished


def drop_empty(held: Iterable[Recipient], *, using: str) -> None:
    """Delete the recipients of whom nothing is remembered; failures in a row are counted on, whatever else has gone."""
    _rows_of([recipient for recipient in held if not _has_failures(recipient)], using=using).drop_empty()


def _hold(keys: Iterable[Any], *, using: str) -> list[Recipient]:
    """Lock recipients and return them, but for those that somebody else has locked."""
    skip = connections[using].features.has_select_for_update_skip_locked
    recipients = Recipient.objects.using(using).filter(pk__in=set(keys)).order_by()
    columns = ("phone", "fingerprint", "mask", "guesses")
    return list(recipients.select_for_update(skip_locked=skip).only(*columns))


def _of_held(rows: Owned, held: Iterable[Recipient]) -> list[Any]:
    owners = {recipient.pk for recipient in held}
    return [key for key, owner in rows.items() if owner in owners]


def _rows_of(held: Iterable[Recipient], *, using: str) -> RecipientQuerySet:
    return Recipient.objects.using(using).filter(pk__in=[recipient.pk for recipient in held]).order_by()


def _has_failures(recipient: Recipient) -> bool:
    return any(budget["in_a_row"] >= REMEMBERED for budget in recipient.guesses.values())


def _erase_numbers(held: Iterable[Recipient], *, using: str) -> None:
    """Erase the numbers that no message needs any more: each was written together with one."""
    numbered = [recipient for recipient in held if recipient.phone]
    _identify(numbered, using=using)
    kept = Message.objects.filter(recipient=OuterRef("pk"), erased=False)
    # In REPEATABLE READ MariaDB looks at what is there now only where it writes. And whoever is about to send to the
    # number, and has read it here, must read again: a claim does not write a number that it has read.
    unneeded = _rows_of(numbered, using=using).filter(~Exists(kept))
    unneeded.update(phone=None, version=F("version") + 1)


def _identify(numbered: Iterable[Recipient], *, using: str) -> None:
    """Bring fingerprints to today's key while the numbers are there, unless another row stands for one already."""
    stale: dict[str, tuple[str, str, int]] = {}
    for recipient in numbered:
        phone = str(recipient.phone)
        current = phones.fingerprint(phone)
        if recipient.fingerprint != current or not recipient.mask:
            stale[current] = (current, phones.mask(phone), recipient.pk)
    if not stale:
        return
    doubles = Recipient.objects.using(using).filter(fingerprint__in=stale, phone=None)
    for fingerprint in doubles.values_list("fingerprint", flat=True):
        del stale[str(fingerprint)]  # two rows of one phone: models/recipients.py, choose_row
    with connections[using].cursor() as cursor:
        cursor.executemany(_IDENTIFY, list(stale.values()))
