"""The tables as the migrations make them."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from django_ihuyi.models import Recipient

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


def test_the_version_before_writes_recipients_on_the_new_schema():
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ihuyi_recipient (phone, mask, version, guesses, holder) "
            "VALUES ('+8613800138000', '', 0, '{}', '')"
        )

    recipient = Recipient.objects.get()
    assert (recipient.marks, recipient.marks_from) == ({}, None)


def test_the_places_of_accounts_go_and_come_back_with_their_migration():
    migrate([("ihuyi", "0001_initial")])
    before = tables()
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO ihuyi_place (channel, number, version, free_at) VALUES ('sms', 0, 0, '2026-01-01')")
    migrate(MigrationExecutor(connection).loader.graph.leaf_nodes("ihuyi"))

    assert before - tables() == {"ihuyi_place"}
