"""How a phone stands: everything that a send depends on, read together with the database's clock in one statement.

Raw SQL, because the ORM has no word for a join that answers a row, with the clock in it, for a phone never seen.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Value

from django_ihuyi.models.clock import sql_a_day_ago, sql_now, to_datetime
from django_ihuyi.models.messages import Message
from django_ihuyi.models.recipients import Recipient
from django_ihuyi.models.verifications import Verification

#: The columns that are read, as {model: {attribute: how to convert it}}, in the order of the models' fields.
_READ = {
    model: {
        field.attname: Value(None, output_field=field)
        for field in model._meta.concrete_fields
        if wanted is None or field.attname in wanted
    }
    for model, wanted in {
        Recipient: None,
        Verification: None,
        Message: {"id", "purpose", "kind", "state", "counted", "created_at", "finished_at"},
    }.items()
}

_SQL = """
SELECT {now}, {columns}
FROM (SELECT 1 AS one) AS one
LEFT JOIN ihuyi_recipient ON ihuyi_recipient.phone = %s
LEFT JOIN ihuyi_verification
  ON ihuyi_verification.id = %s AND ihuyi_verification.recipient_id = ihuyi_recipient.id
LEFT JOIN ihuyi_message
  ON ihuyi_message.recipient_id = ihuyi_recipient.id AND ihuyi_message.created_at > {a_day_ago}
"""
_COLUMNS = ", ".join(f"{model._meta.db_table}.{column}" for model, columns in _READ.items() for column in columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the database knew of a phone at `now`; a recipient without a primary key was never seen before.

    The messages are those of the last 24 hours, as far as the limits look at them.
    """

    now: datetime
    recipient: Recipient
    verification: Verification | None
    messages: Sequence[Message]


def read_standing(phone: str, *, using: str, verification_id: uuid.UUID | None = None) -> Standing:
    """Return how `phone` stands, with the verification of that id if it is one of this phone's."""
    connection = connections[using]
    statement = _SQL.format(now=sql_now(connection), columns=_COLUMNS, a_day_ago=sql_a_day_ago(connection))
    with connection.cursor() as cursor:
        cursor.execute(statement, [phone, Verification._meta.pk.get_db_prep_value(verification_id, connection)])
        rows = cursor.fetchall()
    recipient, verification, _ = _load(rows[0], connection)
    if verification:
        verification.recipient = recipient
    return Standing(
        now=to_datetime(rows[0][0], connection),
        recipient=recipient or Recipient(phone=phone),
        verification=verification,
        messages=[message for row in rows if (message := _load(row, connection)[2])],
    )


def _load(row: Sequence[Any], connection: BaseDatabaseWrapper) -> list[Any]:
    """Make of one row the instances that it holds, None for a side of the join that found nothing."""
    values = iter(row[1:])
    instances: list[Any] = []
    for model, columns in _READ.items():
        loaded = [_convert(next(values), column, connection) for column in columns.values()]
        instances.append(model.from_db(connection.alias, list(columns), loaded) if loaded[0] is not None else None)
    return instances


def _convert(value: Any, column: Value, connection: BaseDatabaseWrapper) -> Any:
    for converter in (*connection.ops.get_db_converters(column), *column.get_db_converters(connection)):
        value = converter(value, column, connection)
    return value
