"""Claim a recipient and write its message, all or nothing.

On PostgreSQL this is one statement: three statements of the ORM and their transaction take longer than the rest of a
send (docs/explanation/performance). MariaDB cannot do it in one statement; there, and on SQLite, they run one after
another in a transaction. Neither way sends `post_save`, so that a host does not depend on its database.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, Model

from django_ihuyi.database.transactions import StaleRow, stale_if_refused
from django_ihuyi.models.messages import FRESHNESS, Message, State
from django_ihuyi.models.recipients import Recipient
from django_ihuyi.models.verifications import Verification


def write_claimed(message: Message, *, using: str) -> None:
    """Claim the message's recipient as it was read, and write the message and its verification.

    A new verification is inserted; for a resend the `expires_at` of a live one is updated. Raise StaleRow, and write
    nothing, if the recipient or the verification has changed since it was read.
    """
    if connections[using].vendor == "postgresql" and not _is_resend(message) and _is_plain(message.recipient):
        _write_at_once(message, using=using)
    else:
        with transaction.atomic(using=using):
            _write_one_by_one(message, using=using)


def take_claimed(message: Message, recipient: Recipient, *, using: str) -> None:
    """Take a fresh message out of the queue, and claim its recipient as it was read.

    Raise StaleRow, and take nothing, if the recipient has changed since or another worker has the message.
    """
    if connections[using].vendor == "postgresql" and _is_plain(recipient):
        freshness = FRESHNESS[message.kind].total_seconds()
        with connections[using].cursor() as cursor:
            cursor.execute(_TAKE_AT_ONCE, [recipient.pk, recipient.version, message.pk, freshness])
            if not cursor.rowcount:
                raise StaleRow
    else:
        with transaction.atomic(using=using):
            Recipient.objects.using(using).claim(recipient)
            if not Message.objects.using(using).take(message):
                raise StaleRow


def _is_resend(message: Message) -> bool:
    return message.verification is not None and not message.verification._state.adding


def _is_plain(recipient: Recipient) -> bool:
    """Return True if the recipient is new, or its claim changes nothing but the version."""
    return recipient._state.adding or not recipient.is_renamed


def _write_one_by_one(message: Message, *, using: str) -> None:
    # Lock the verification before its recipient, in the order of a guess: in another order the two could deadlock.
    if message.verification and _is_resend(message):
        Verification.objects.using(using).extend(message.verification, until=message.verification.expires_at)
    # bulk_create throughout, because save() sends signals.
    if message.recipient._state.adding:
        with stale_if_refused():
            Recipient.objects.using(using).bulk_create([message.recipient])
    else:
        Recipient.objects.using(using).claim(message.recipient)
    if message.verification and not _is_resend(message):
        Verification.objects.using(using).bulk_create([message.verification])
    Message.objects.using(using).bulk_create([message])


# The statements that follow a claim select from it, so they write nothing if the claim returned no row.
_CLAIM = "UPDATE ihuyi_recipient SET version = version + 1 WHERE id = %s AND version = %s RETURNING id"
_FIRST_CLAIM = "INSERT INTO ihuyi_recipient ({columns}) VALUES ({places}) ON CONFLICT DO NOTHING RETURNING id"
_INSERT = "INSERT INTO {table} (recipient_id, {columns}) SELECT claim.id, {places} FROM claim"
# If another worker has the message, the claim stays: requests that have read the recipient only have to read it again.
_TAKE_AT_ONCE = f"""
WITH claim AS ({_CLAIM})
UPDATE ihuyi_message SET state = '{State.SENDING}', taken_at = STATEMENT_TIMESTAMP() FROM claim
WHERE ihuyi_message.recipient_id = claim.id AND ihuyi_message.id = %s AND state = '{State.QUEUED}'
  AND created_at > STATEMENT_TIMESTAMP() - make_interval(secs => %s::float8)
"""  # noqa: S608 - made of the names above
_AT_ONCE = "WITH claim AS ({claim}){verification} {message} RETURNING recipient_id, id"


def _write_at_once(message: Message, *, using: str) -> None:
    connection = connections[using]
    recipient, verification = message.recipient, message.verification
    written: list[Any] = [recipient, message] if verification is None else [recipient, verification, message]
    parameters = [value for instance in written for value in _values(instance, connection)]
    # The claim of a known recipient is an UPDATE, with two parameters instead of a value for each field.
    if not recipient._state.adding:
        parameters[: len(_fields(Recipient))] = [recipient.pk, recipient.version]
    with connection.cursor() as cursor:
        cursor.execute(_at_once(is_first=recipient._state.adding, is_code=verification is not None), parameters)
        row = cursor.fetchone()
    if row is None:
        raise StaleRow
    recipient.pk, message.pk = row
    for instance in written:
        instance._state.adding, instance._state.db = False, using
        if instance is not recipient:
            instance.recipient = recipient


@cache
def _at_once(*, is_first: bool, is_code: bool) -> str:
    claim = _FIRST_CLAIM.format(**_places(Recipient)) if is_first else _CLAIM
    verification = f", verification AS ({_INSERT.format(**_places(Verification))})" if is_code else ""
    return _AT_ONCE.format(claim=claim, verification=verification, message=_INSERT.format(**_places(Message)))


@cache
def _fields(model: type[Model]) -> list[Field[Any, Any]]:
    """Return the fields of an INSERT: all but the recipient, which the claim returns, and automatic primary keys."""
    return [
        field
        for field in model._meta.concrete_fields
        if field.attname != "recipient_id" and not field.get_internal_type().endswith("AutoField")
    ]


def _places(model: type[Model]) -> dict[str, str]:
    fields = _fields(model)
    columns = ", ".join(str(field.column) for field in fields)
    return {"table": model._meta.db_table, "columns": columns, "places": ", ".join(["%s"] * len(fields))}


def _values(instance: Model, connection: BaseDatabaseWrapper) -> list[Any]:
    return [field.get_db_prep_save(field.pre_save(instance, add=True), connection) for field in _fields(type(instance))]
