"""PostgreSQL: drop the second index that Django makes for each unique text, which serves searches by its beginning.

Nothing here searches so, and each costs a send a page at a random place, which after a checkpoint goes into the log whole.
"""

from typing import Any

from django.db import migrations

OURS = r"SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() AND tablename = ANY(%s) AND indexname LIKE '%%\_like'"


def drop_pattern_indexes(apps: Any, schema_editor: Any) -> None:
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        return
    tables = [model._meta.db_table for model in apps.get_app_config("ihuyi").get_models()]
    with connection.cursor() as cursor:
        cursor.execute(OURS, [tables])
        for (name,) in cursor.fetchall():
            schema_editor.execute(f"DROP INDEX {connection.ops.quote_name(name)}")


class Migration(migrations.Migration):
    dependencies = [
        ("ihuyi", "0008_budgets"),
    ]

    operations = [
        migrations.RunPython(drop_pattern_indexes, migrations.RunPython.noop),
    ]
