"""The database's clock, which measures every limit and lifetime: the clocks of several web servers differ."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import DateTimeField, Value
from django.db.models.functions import Now

_DATETIME = Value(None, output_field=DateTimeField())


class DatabaseNow(Now):
    """The time at the start of the statement, in UTC."""

    # Django's own template for MySQL and MariaDB returns the time in the server's time zone.
    def as_mysql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        return self.as_sql(compiler, connection, template="UTC_TIMESTAMP(6)", **context)


# For hand-written statements, by vendor: the present time, and the time 25 hours ago (a day, and an hour for calls that
# ended long after they began). PostgreSQL's NOW() is the start of the transaction, which may be long ago. `%%` is a
# percent sign, because the statements are executed with parameters.
SQL_NOW = {
    "postgresql": "STATEMENT_TIMESTAMP()",
    "mysql": "UTC_TIMESTAMP(6)",
    "sqlite": "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW')",
}
SQL_A_DAY_AGO = {
    "postgresql": "STATEMENT_TIMESTAMP() - INTERVAL '25 hours'",
    "mysql": "UTC_TIMESTAMP(6) - INTERVAL 25 HOUR",
    "sqlite": "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW', '-25 hours')",
}


def read_clock(connection: BaseDatabaseWrapper) -> datetime:
    """Return the database's time, in a statement of its own."""
    with connection.cursor() as cursor:
        # The empty list makes Django read `%%` as a percent sign.
        cursor.execute(f"SELECT {SQL_NOW[connection.vendor]}", [])
        return to_datetime(cursor.fetchone()[0], connection)


def to_datetime(value: Any, connection: BaseDatabaseWrapper) -> datetime:
    """Convert the time that a hand-written statement returned, as the ORM converts a DateTimeField."""
    for converter in connection.ops.get_db_converters(_DATETIME):
        value = converter(value, _DATETIME, connection)
    moment: datetime = value
    return moment
