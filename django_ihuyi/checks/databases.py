"""Findings about the databases with the tables of this app, which enforce limits and lifetimes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings as django_settings
from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.utils.module_loading import import_string

from django_ihuyi.checks.findings import finding
from django_ihuyi.models import Message, Recipient, Verification

OLDEST_MARIADB = (10, 6)
#: By vendor, the options without which a database that hangs blocks the site.
TIMEOUTS: Mapping[str, list[str]] = {
    "postgresql": ["connect_timeout", "statement_timeout"],
    "mysql": ["connect_timeout", "read_timeout", "write_timeout"],
}
#: The receiver that ends the wait for PostgreSQL.
END_WAITS = "django_ihuyi.database.postgresql.end_waits"


@finding("E031", hint="Remove TIME_ZONE from this entry of DATABASES: times are stored in UTC.")
def find_local_times() -> Iterator[str]:
    """A database stores its times in a time zone of its own, but its clock is read in UTC."""
    for alias in sorted(our_databases()):
        zone = connections[alias].settings_dict.get("TIME_ZONE")
        if zone not in (None, "UTC"):
            yield f"DATABASES[{alias!r}] has the TIME_ZONE {zone!r}."


@finding("E032", hint="Use PostgreSQL, MariaDB from 10.6, or SQLite.", asks_databases=True)
def find_old_servers(connection: BaseDatabaseWrapper) -> Iterator[str]:
    """A database server is too old, or of a kind that the exact limits do not support."""
    if connection.alias in our_databases():
        yield from complain_of_server(connection)


@finding("E033", hint="Run ALTER DATABASE … CHARACTER SET utf8mb4; no other charset in OPTIONS.", asks_databases=True)
def find_narrow_charsets(connection: BaseDatabaseWrapper) -> Iterator[str]:
    """A MariaDB database, or the connection to it, cannot store every character."""
    if connection.vendor != "mysql" or connection.alias not in our_databases():
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@character_set_client, @@character_set_database")
        charsets = dict(zip(("connection", "database"), cursor.fetchone(), strict=True))
    for place, charset in charsets.items():
        if charset != "utf8mb4":
            yield f"The {place} {connection.alias!r} has the character set {charset}."


@finding("W009", hint="Set the timeouts that example_project/databases.py shows.", deploy=True)
def find_no_timeouts() -> Iterator[str]:
    """A database has no timeouts: if it hangs, requests hang, too."""
    for alias in sorted(our_databases()):
        entry = connections[alias].settings_dict
        missing = [name for name in TIMEOUTS.get(connections[alias].vendor, []) if not _is_set(name, entry["OPTIONS"])]
        if missing:
            yield f"DATABASES[{alias!r}] has no {', '.join(missing)} in its OPTIONS."


@finding("W033", hint="Call connection_created.connect(end_waits), as the guide to deployment shows.", deploy=True)
def find_endless_waits() -> Iterator[str]:
    """No timeout ends the wait for PostgreSQL: if its server freezes, requests hang."""
    if _listens(END_WAITS):
        return
    for alias in sorted(our_databases()):
        if connections[alias].vendor == "postgresql":
            yield f"DATABASES[{alias!r}] is PostgreSQL, whose clients wait for an answer without a timeout."


def our_databases() -> set[str]:
    """Return the aliases of the databases that the tables of this app are written to."""
    return {router.db_for_write(model) for model in (Recipient, Verification, Message)} & set(django_settings.DATABASES)


def complain_of_server(connection: Any) -> Iterator[str]:
    """Yield a complaint if the server of a connection is not supported."""
    if connection.vendor not in ("postgresql", "mysql", "sqlite"):
        yield f"The database {connection.alias!r} is {connection.display_name}, which is not supported."
    elif connection.vendor == "mysql" and not connection.mysql_is_mariadb:
        # MySQL has no INSERT … RETURNING, so bulk_create() returns no keys.
        yield f"The database {connection.alias!r} is MySQL, which is not supported."
    elif connection.vendor == "mysql" and connection.mysql_version < OLDEST_MARIADB:
        version = ".".join(map(str, connection.mysql_version))
        yield f"The database {connection.alias!r} is MariaDB {version}, which is too old."


def _listens(path: str) -> bool:
    # Django keys a receiver by its id() and the sender's.
    return id(import_string(path)) in {key[0] for key, *_ in connection_created.receivers}


def _is_set(name: str, options: Mapping[str, Any]) -> bool:
    # PostgreSQL's own settings are a text in the option `options`. A service file may set anything, and is not read.
    return name in options or name in str(options.get("options", "")) or "service" in options
