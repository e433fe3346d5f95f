"""Turn a DATABASE_URL into Django's entry, with the options that each database should have in production."""

import dj_database_url
import pymysql

# Django takes PyMySQL for mysqlclient, and asks for a version that PyMySQL does not pretend to be.
pymysql.version_info = (2, 2, 7, "final", 0)
pymysql.install_as_MySQLdb()

dj_database_url.register("mariadb", "django.db.backends.mysql")

# A database that hangs must not hang the site: connecting, waiting and every statement have an end.
OPTIONS = {
    "django.db.backends.sqlite3": {
        # Writers queue up at BEGIN, instead of failing half-way through a transaction.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    },
    "django.db.backends.postgresql": {
        "connect_timeout": 3,
        "options": "-c statement_timeout=5000 -c lock_timeout=3000 -c idle_in_transaction_session_timeout=15000",
        "keepalives_idle": 10,
        "tcp_user_timeout": 6000,
    },
    "django.db.backends.mysql": {
        "charset": "utf8mb4",
        "connect_timeout": 3,
        "read_timeout": 6,
        "write_timeout": 6,
        "init_command": "SET SESSION innodb_lock_wait_timeout = 3",
        # As Django's own default: REPEATABLE READ would lock gaps, and so make deadlocks.
        "isolation_level": "read committed",
    },
}


def from_url(url, *, conn_max_age=0):
    """Return the entry for DATABASES; options in the URL's query win over ours (`?read_timeout=600`)."""
    entry = dj_database_url.parse(url, conn_max_age=conn_max_age, conn_health_checks=True)
    return entry | {"OPTIONS": OPTIONS.get(entry["ENGINE"], {}) | entry.get("OPTIONS", {})}
