"""Snapshots: one SELECT reads all that a send or a guess depends on, with the database's clock.

Read in two statements, a row and the time could belong to different moments. In SQL, because the ORM has no join that
returns a row, with the time in it, for a phone without rows; and because building such a query takes more of a
request's time than running it (docs/explanation/performance).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model, Value

from django_ihuyi import phones
from django_ihuyi.database.clock import SQL_A_DAY_AGO, SQL_NOW, to_datetime
from django_ihuyi.models.messages import Message
from django_ihuyi.models.recipients import Recipient, choose_row
from django_ihuyi.models.verifications import Verification, parse_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The rows of a phone at `now`. For a phone without rows, `recipient` is an unsaved instance.

    `messages` are those of the last 25 hours, with the fields that the limits need. `others` are further rows of the
    phone (models/recipients.py, `choose_row`), whose messages and refusals count as well.
    """

    now: datetime
    recipient: Recipient
    others: Sequence[Recipient] = ()
    verification: Verification | None
    messages: Sequence[Message]

    @property
    def phone(self) -> str:
        """The canonical number."""
        return self.recipient.phone or ""

    @property
    def recipients(self) -> Sequence[Recipient]:
        """All rows of the phone. A message is refused if one of them refuses it."""
        return [self.recipient, *self.others]

    @property
    def is_opted_out(self) -> bool:
        """Return True if the phone opted out of advertisements."""
        return any(recipient.opted_out_at for recipient in self.recipients)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationSnapshot:
    """A verification and its recipient at `now`."""

    now: datetime
    verification: Verification


def read_snapshot(phone: str, *, using: str, verification_id: str | None = None) -> Snapshot:
    """Return the snapshot of a phone, with the verification of that id if it belongs to this phone."""
    connection = connections[using]
    known = phones.fingerprints(phone)
    rows = _fetch(_OF_PHONE, [phone, *known, verification_id], connection, keys=len(known))
    loaded = [_load(row, (Recipient, Verification, Message), connection) for row in rows]
    now = to_datetime(rows[0][0], connection)
    recipient, others = choose_row((row for row, _, _ in loaded if row), phone=phone)
    if recipient._state.adding:
        # The phone may have had a row that was erased: device marks of that time must not count again.
        recipient.marks_from = now
    # A verification of another row is not sent again: that row has lost its number, which the code depends on.
    verification = next((named for row, named, _ in loaded if named and row.pk == recipient.pk), None)
    if verification:
        verification.recipient = recipient
    return Snapshot(
        now=now,
        recipient=recipient,
        others=others,
        verification=verification,
        messages=[message for _, _, message in loaded if message],
    )


def read_verification(verification_id: str, *, using: str) -> VerificationSnapshot | None:
    """Return the snapshot of a verification, or None for an unknown id and for a text that cannot be one."""
    connection = connections[using]
    named = parse_id(verification_id)
    rows = _fetch(_OF_VERIFICATION, [named], connection) if named else []
    if not rows:
        return None
    recipient, verification = _load(rows[0], (Recipient, Verification), connection)
    verification.recipient = recipient
    return VerificationSnapshot(now=to_datetime(rows[0][0], connection), verification=verification)


# The first table has one row, so the result has one too, with the time, for a phone without rows.
_OF_PHONE = """
SELECT {now}, {recipient}, {verification}, {message}
FROM (SELECT 1 AS one) AS one
LEFT JOIN ihuyi_recipient ON ihuyi_recipient.phone = %s OR ihuyi_recipient.fingerprint IN ({fingerprints})
LEFT JOIN ihuyi_verification
  ON ihuyi_verification.id = %s AND ihuyi_verification.recipient_id = ihuyi_recipient.id
LEFT JOIN ihuyi_message
  ON ihuyi_message.recipient_id = ihuyi_recipient.id AND ihuyi_message.created_at > {a_day_ago}
"""
_OF_VERIFICATION = """
SELECT {now}, {recipient}, {verification}
FROM ihuyi_verification
JOIN ihuyi_recipient ON ihuyi_recipient.id = ihuyi_verification.recipient_id
WHERE ihuyi_verification.id = %s
"""

#: The columns that are read, as attribute names in the order of the models' fields; of a message only what limits need.
_COLUMNS: dict[type[Model], list[str]] = {
    Recipient: [field.attname for field in Recipient._meta.concrete_fields],
    Verification: [field.attname for field in Verification._meta.concrete_fields],
    Message: [
        "id",
        "verification_id",
        "channel",
        "purpose",
        "kind",
        "state",
        "counted",
        "result_code",
        "created_at",
        "taken_at",
        "finished_at",
    ],
}


def _fetch(statement: str, parameters: list[Any], connection: BaseDatabaseWrapper, *, keys: int = 0) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(_complete(statement, connection.vendor, keys), parameters)
        return list(cursor.fetchall())


@cache
def _complete(statement: str, vendor: str, keys: int) -> str:
    columns = {
        model.__name__.lower(): ", ".join(f"{model._meta.db_table}.{name}" for name in names)
        for model, names in _COLUMNS.items()
    }
    fingerprints = ", ".join(["%s"] * keys)
    return statement.format(now=SQL_NOW[vendor], a_day_ago=SQL_A_DAY_AGO[vendor], fingerprints=fingerprints, **columns)


def _load(row: Sequence[Any], models: Sequence[type[Model]], connection: BaseDatabaseWrapper) -> list[Any]:
    """Return one instance of each model from a row, None where the join found nothing."""
    values = iter(row[1:])
    instances: list[Any] = []
    for model in models:
        loaded = []
        for expression, converters in _converters(model, connection.alias):
            value = next(values)
            for converter in converters:
                value = converter(value, expression, connection)
            loaded.append(value)
        is_found = loaded[0] is not None
        instances.append(model.from_db(connection.alias, _COLUMNS[model], loaded) if is_found else None)
    return instances


@cache
def _converters(model: type[Model], alias: str) -> list[tuple[Value, list[Any]]]:
    """Return, for each column of a model, the functions by which the ORM converts its value."""
    connection = connections[alias]
    fields = {field.attname: field for field in model._meta.concrete_fields}
    expressions = [Value(None, output_field=fields[name]) for name in _COLUMNS[model]]
    return [
        (expression, [*connection.ops.get_db_converters(expression), *expression.get_db_converters(connection)])
        for expression in expressions
    ]
