"""Claim a phone and write what leaves for it: both or neither.

On PostgreSQL in one statement: to build three and a transaction round them takes the ORM longer than all else in a send
(docs/explanation/performance). Elsewhere one after another in a transaction. No `post_save` is sent in either way.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import IntegrityError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, Model

from django_ihuyi.database.transactions import StaleRow
from django_ihuyi.models.messages import FRESHNESS, Message, State
from django_ihuyi.models.recipients import Recipient
from django_ihuyi.models.verifications import Verification


def write_claimed(message: Message, *, using: str) -> None:
    """Claim the message's recipient as it was read, and write the message, with its verification.

    A new verification is written, one that is sent again lives until its `expires_at` if it still lives. Raises
    StaleRow if the recipient or the verification has changed since it was read; then nothing was written.
    """
    if connections[using].vendor == "postgresql" and not _is_resend(message) and _is_plain(message.recipient):
        _write_at_once(message, using=using)
    else:
        with transaction.atomic(using=using):
            _write_in_turn(message, using=using)


def take_claimed(message: Message, recipient: Recipient, *, using: str) -> None:
    """Take a message out of the queue, while it is worth sending, together with its recipient as it was read.

    Raises StaleRow if the recipient has changed since, or somebody else has the message; then nothing was taken.
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
    """Say whether a claim only counts up the version of the recipient's row, if there is one."""
    return recipient._state.adding or not recipient.is_renamed


def _write_in_turn(message: Message, *, using: str) -> None:
    # A verification is locked before its recipient, as by a guess, so that the two never wait for each other.
    if message.verification and _is_resend(message):
        Verification.objects.using(using).extend(message.verification, until=message.verification.expires_at)
    if message.recipient._state.adding:
        _insert_recipient(message.recipient, using=using)
    else:
        Recipient.objects.using(using).claim(message.recipient)
    if message.verification and not _is_resend(message):
        Verification.objects.using(using).bulk_create([message.verification])
    Message.objects.using(using).bulk_create([message])


def _insert_recipient(recipient: Recipient, *, using: str) -> None:
    try:
        Recipient.objects.using(using).bulk_create([recipient])
    except IntegrityError as error:
        raise StaleRow from error


#: What stands behind the claim happens only if the claim gave a row.
_CLAIM = "UPDATE ihuyi_recipient SET version = version + 1 WHERE id = %s AND version = %s RETURNING id"
_FIRST_CLAIM = "INSERT INTO ihuyi_recipient ({columns}) VALUES ({places}) ON CONFLICT DO NOTHING RETURNING id"
_INSERT = "INSERT INTO {table} (recipient_id, {columns}) SELECT claim.id, {places} FROM claim"
#: A claim whose message somebody else has taken is left as it is: whoever has read the recipient reads again.
_TAKE_AT_ONCE = f"""
WITH claim AS ({_CLAIM})
UPDATE ihuyi_message SET state = '{State.SENDING}', taken_at = STATEMENT_TIMESTAMP() FROM claim
WHERE ihuyi_message.recipient_id = claim.id AND ihuyi_message.id = %s AND state = '{State.QUEUED}'
  AND created_at > STATEMENT_TIMESTAMP() - make_interval(secs => %s::float8)
"""  # noqa: S608 - made of names that stand here
_AT_ONCE = "WITH claim AS ({claim}){verification} {message} RETURNING recipient_id, id"


def _write_at_once(message: Message, *, using: str) -> None:
    connection = connections[using]
    recipient, verification = message.recipient, message.verification
    written: list[Any] = [recipient, message] if verification is None else [recipient, verification, message]
    parameters = [value for instance in written for value in _values(instance, connection)]
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
    """Return the fields that an INSERT fills itself: not the recipient, nor a number that the database gives."""
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
