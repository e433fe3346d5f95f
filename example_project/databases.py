"""Turn a DATABASE_URL into Django's entry, with the options that each database should have in production."""

import dj_database_url
import pymysql

# Django takes PyMySQL for mysqlclient, and asks for a version that PyMySQL does not pretend to be.
pymysql.version_info = (2, 2, 7, "final", 0)
pymysql.install_as_MySQLdb()

dj_database_url.register("mariadb", "django.db.backends.mysql")

# A database that hangs must not hang the site: connecting, waiting and every statement have an end, so that a request
# is answered within six seconds. For PostgreSQL that takes `end_waits` as well (settings.py).
OPTIONS = {
    "django.db.backends.sqlite3": {
        # Writers queue up at BEGIN, instead of failing half-way through a transaction.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    },
    "django.db.backends.postgresql": {
        # The server plans a statement once for a connection, not each time: a send takes a third less of both. Behind
        # PgBouncer in transaction mode, before its 1.21, leave these two out.
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
        # As Django's own default: REPEATABLE READ would lock gaps, and so make deadlocks.
        "isolation_level": "read committed",
    },
}

LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def from_url(url, *, conn_max_age=0):
    """Return the entry for DATABASES; options in the URL's query win over ours (`?read_timeout=600`)."""
    entry = dj_database_url.parse(url, conn_max_age=conn_max_age, conn_health_checks=True)
    options = OPTIONS.get(entry["ENGINE"], {})
    if entry["ENGINE"] == "django.db.backends.mysql" and entry["HOST"] in LOOPBACK:
        # For TLS, which a way within this machine has no need of, PyMySQL reads all certificates at each connection:
        # 50 ms, of which many come together when the database is down and each request tries to connect.
        options = options | {"ssl_disabled": True}
    return entry | {"OPTIONS": options | entry.get("OPTIONS", {})}
