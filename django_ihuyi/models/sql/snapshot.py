"""How a phone or a verification stands: all that a send or a guess depends on, and the database's clock, in one read.

In SQL, because the ORM has no word for a join that answers a row, with the clock in it, for a phone never seen; and
because to build such a query costs more of a request's time than to run it (docs/explanation/performance).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, Model, Value

from django_ihuyi import phones
from django_ihuyi.database.clock import sql_a_day_ago, sql_now, to_datetime
from django_ihuyi.models.messages import Message
from django_ihuyi.models.recipients import Recipient, choose_row
from django_ihuyi.models.verifications import Verification


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What the database knew of a phone at `now`; a recipient without a primary key was never seen before.

    The messages are those of the last 24 hours, as far as the limits look at them. `others` are further rows that
    answer to the phone (models/recipients.py, `choose_row`): their messages and refusals count as well.
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
        """All rows that answer to the phone; what one refuses is refused."""
        return [self.recipient, *self.others]

    @property
    def is_opted_out(self) -> bool:
        """Whether the phone asked for no more advertisements."""
        return any(recipient.opted_out_at for recipient in self.recipients)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationSnapshot:
    """What the database knew of a verification, and of its recipient, at `now`."""

    now: datetime
    verification: Verification


def read_snapshot(phone: str, *, using: str, verification_id: str | None = None) -> Snapshot:
    """Return how `phone` stands, with the verification of that id if it is one of this phone's."""
    connection = connections[using]
    known = phones.fingerprints(phone)
    rows = _fetch(_OF_PHONE, [phone, *known, verification_id], connection, keys=len(known))
    loaded = [_load(row, (Recipient, Verification, Message), connection) for row in rows]
    recipient, others = choose_row((row for row, _, _ in loaded if row), phone=phone)
    # The verification of another row is not sent again: its code is bound to a number that this row has lost.
    verification = next((named for row, named, _ in loaded if named and row.pk == recipient.pk), None)
    if verification:
        verification.recipient = recipient
    return Snapshot(
        now=to_datetime(rows[0][0], connection),
        recipient=recipient,
        others=others,
        verification=verification,
        messages=[message for _, _, message in loaded if message],
    )


def read_verification(verification_id: str, *, using: str) -> VerificationSnapshot | None:
    """Return how a verification stands, None for an id that is none."""
    connection = connections[using]
    rows = _fetch(_OF_VERIFICATION, [verification_id], connection)
    if not rows:
        return None
    recipient, verification = _load(rows[0], (Recipient, Verification), connection)
    verification.recipient = recipient
    return VerificationSnapshot(now=to_datetime(rows[0][0], connection), verification=verification)


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

#: The columns that are read, by their attributes' names and in the order of the models' fields.
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

Converter = Callable[[Any, Any, BaseDatabaseWrapper], Any]


def _fetch(statement: str, parameters: list[Any], connection: BaseDatabaseWrapper, *, keys: int = 0) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(_said_by(connection.vendor, keys)[statement], parameters)
        return list(cursor.fetchall())


@cache
def _said_by(vendor: str, keys: int) -> dict[str, str]:
    columns = {
        model.__name__.lower(): ", ".join(f"{model._meta.db_table}.{name}" for name in names)
        for model, names in _COLUMNS.items()
    }
    columns["fingerprints"] = ", ".join(["%s"] * keys)
    return {
        statement: statement.format(now=sql_now(vendor), a_day_ago=sql_a_day_ago(vendor), **columns)
        for statement in (_OF_PHONE, _OF_VERIFICATION)
    }


def _load(row: Sequence[Any], models: Sequence[type[Model]], connection: BaseDatabaseWrapper) -> list[Any]:
    """Make of one row the instances that it holds, None for a side of the join that found nothing."""
    values = iter(row[1:])
    return [_load_one(model, values, connection) for model in models]


def _load_one(model: type[Model], values: Iterator[Any], connection: BaseDatabaseWrapper) -> Model | None:
    loaded = []
    for (expression, converters), value in zip(_converters(model, connection.alias), values, strict=False):
        for converter in converters:
            value = converter(value, expression, connection)
        loaded.append(value)
    return model.from_db(connection.alias, _COLUMNS[model], loaded) if loaded[0] is not None else None


@cache
def _converters(model: type[Model], alias: str) -> list[tuple[Value, list[Converter]]]:
    connection = connections[alias]
    found = []
    for name in _COLUMNS[model]:
        expression = Value(None, output_field=_field(model, name))
        found.append(
            (expression, [*connection.ops.get_db_converters(expression), *expression.get_db_converters(connection)])
        )
    return found


def _field(model: type[Model], attname: str) -> Field[Any, Any]:
    return next(field for field in model._meta.concrete_fields if field.attname == attname)
