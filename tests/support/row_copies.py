"""Fill tables with as many rows as a site gathers in years, by SQL, as copies of a row that was really written."""

import contextlib

from django.db.backends.signals import connection_created

from django_ihuyi.database.postgresql import end_waits

#: The numbers begin far above those that the sequences give.
FIRST = 10**8


def multiplication(model, differences, rows, *, days):
    """Return the INSERT that makes `rows` rows of the first one, over so many days.

    What differs from row to row is SQL over `n` and `moment`; all else is as in the first row.
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
    """Yield a cursor of PostgreSQL whose statements may take as long as they like."""
    connection.close()
    connection_created.disconnect(end_waits)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
            yield cursor
    finally:
        connection.close()
        connection_created.connect(end_waits)
