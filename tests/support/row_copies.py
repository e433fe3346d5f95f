"""Fill tables with as many rows as a site has after years: copies, made in SQL, of a row that the app wrote."""

import contextlib

from django.db.backends.signals import connection_created

from django_ihuyi.database.postgresql import end_waits

#: The first of the copies' numbers, far above those of the sequences.
FIRST = 10**8


def multiplication(model, differences, rows, *, days):
    """Return the INSERT that copies a table's only row until there are `rows` rows, spread over `days` days.

    `differences` has the columns that differ from row to row, as SQL with `n` and `moment`.
    """
    columns = [field.column for field in model._meta.concrete_fields]
    values = [differences.get(column, f"first.{column}") for column in columns]
    return f"""
        INSERT INTO {model._meta.db_table} ({", ".join(columns)})
        SELECT {", ".join(values)}
        FROM {model._meta.db_table} AS first,
            generate_series({FIRST}, {FIRST + rows - 2}) AS n,
            LATERAL (SELECT now() - interval '{days} days' * (n - {FIRST}) / {rows} AS moment) AS moments
    """


@contextlib.contextmanager
def patient_cursor(connection):
    """Yield a cursor of PostgreSQL without a time-out for its statements."""
    connection.close()
    connection_created.disconnect(end_waits)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
            yield cursor
    finally:
        connection.close()
        connection_created.connect(end_waits)
