"""The tables as the migrations make them."""

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

pytestmark = pytest.mark.django_db(transaction=True)


def migrate(targets):
    executor = MigrationExecutor(connection)
    executor.migrate(targets)


def tables():
    return {table for table in connection.introspection.table_names() if table.startswith("ihuyi_")}


def test_the_app_can_be_taken_out_and_put_back():
    made = tables()

    migrate([("ihuyi", None)])
    left = tables()
    migrate(MigrationExecutor(connection).loader.graph.leaf_nodes("ihuyi"))

    assert (left, tables()) == (set(), made)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL has such indexes")
def test_no_text_has_a_second_index_for_searches_by_its_beginning():
    names = [model._meta.db_table for model in apps.get_app_config("ihuyi").get_models()]
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE tablename = ANY(%s)", [names])
        definitions = [definition for (definition,) in cursor.fetchall()]

    assert len(definitions) > 20
    assert [definition for definition in definitions if "_pattern_ops" in definition] == []
