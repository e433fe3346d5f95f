"""Turn a DATABASE_URL into Django's entry, with the options that each database should have in production."""

import dj_database_url
import pymysql

# Django treats PyMySQL as mysqlclient, and requires a newer version than the one PyMySQL reports.
pymysql.version_info = (2, 2, 7, "final", 0)
pymysql.install_as_MySQLdb()

dj_database_url.register("mariadb", "django.db.backends.mysql")

# A database that hangs must not hang the site: connecting, waiting for locks and each statement have time-outs, so that
# a request is answered within six seconds. PostgreSQL needs `end_waits` as well (settings.py).
OPTIONS = {
    "django.db.backends.sqlite3": {
        # Writers wait at BEGIN. With the default, a transaction that reads first may fail at its first write.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    },
    "django.db.backends.postgresql": {
        # Prepared statements: the server plans each statement once for a connection, and site and server need a third
        # less time for a send. Remove these two lines behind PgBouncer before 1.21 in transaction mode.
        "server_side_binding": True,
        "prepare_threshold": 5,
        "connect_timeout": 2,
        "options": "-c statement_timeout=3500 -c lock_timeout=3000 -c idle_in_transaction_session_timeout=15000",
        "keepalives_idle": 10,
        "tcp_user_timeout": 6000,
    },
    "django.db.backends.mysql": {
        "charset": "utf8mb4",
        "connect_timeout": 2,
        "read_timeout": 3,
        "write_timeout": 3,
        "init_command": "SET SESSION innodb_lock_wait_timeout = 2",
        # Django's own default. REPEATABLE READ would lock gaps between rows, and so cause deadlocks.
        "isolation_level": "read committed",
    },
}

LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def from_url(url, *, conn_max_age=0):
    """Return the entry for DATABASES. Options in the URL's query (`?read_timeout=600`) override OPTIONS."""
    entry = dj_database_url.parse(url, conn_max_age=conn_max_age, conn_health_checks=True)
    options = OPTIONS.get(entry["ENGINE"], {})
    if entry["ENGINE"] == "django.db.backends.mysql" and entry["HOST"] in LOOPBACK:
        # A connection within this machine needs no TLS. For TLS, PyMySQL reads all certificates at each connection,
        # which takes 50 ms, and while the database is down each request tries to connect.
        options = options | {"ssl_disabled": True}
    return entry | {"OPTIONS": options | entry.get("OPTIONS", {})}
