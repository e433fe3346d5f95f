"""The database's clock: the only one that limits and lifetimes are measured by."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import DateTimeField, Value
from django.db.models.functions import Now

_DATETIME = Value(None, output_field=DateTimeField())


class DatabaseNow(Now):
    """The time at the start of the statement, in UTC whatever the server's own time zone is."""

    def as_mysql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        return self.as_sql(compiler, connection, template="UTC_TIMESTAMP(6)", **context)


_NOW = {
    "postgresql": "STATEMENT_TIMESTAMP()",
    "mysql": "UTC_TIMESTAMP(6)",
    "sqlite": "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW')",
}
_A_DAY_AGO = {
    "postgresql": "STATEMENT_TIMESTAMP() - INTERVAL '25 hours'",
    "mysql": "UTC_TIMESTAMP(6) - INTERVAL 25 HOUR",
    "sqlite": "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW', '-25 hours')",
}


def sql_now(vendor: str) -> str:
    """Return DatabaseNow as SQL text, for statements that the ORM cannot say."""
    return _NOW[vendor]


def sql_a_day_ago(vendor: str) -> str:
    """Return a time that lies 25 hours back: a day, and an hour for calls that ended long after they began."""
    return _A_DAY_AGO[vendor]


def to_datetime(value: Any, connection: BaseDatabaseWrapper) -> datetime:
    """Convert what a raw statement returned, as the ORM converts a DateTimeField."""
    for converter in connection.ops.get_db_converters(_DATETIME):
        value = converter(value, _DATETIME, connection)
    moment: datetime = value
    return moment
