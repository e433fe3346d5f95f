"""Empty the database after a test that commits, as Django does, but keep content types and permissions.

Django deletes and writes them again after every such test, which takes longer than most of the tests.
"""

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management.color import no_style
from django.db import connections
from django.test import TransactionTestCase

KEPT = {model._meta.db_table for model in (ContentType, Permission)}


def install():
    """Use this for all tests."""
    TransactionTestCase._fixture_teardown = _empty


def _empty(test):
    for alias in test._databases_names(include_mirrors=False):
        connection = connections[alias]
        tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
        statements = connection.ops.sql_flush(no_style(), sorted(set(tables) - KEPT))
        connection.ops.execute_sql_flush(statements)
