"""Servers that a test has started itself, and takes away for a while: killed, frozen, or read-only."""

import contextlib
import os
import signal
import sqlite3
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pymysql
import redis

from tests import services
from tests.proofs.support.queued_sites import wait_until


class Server:
    """A server that can be out of reach."""

    def __init__(self, service):
        self.name = service.name
        self.url = service.url
        self._service = service

    @contextlib.contextmanager
    def refused(self):
        """Kill it outright; start it again on what it has left, and go on when it listens."""
        killed = freeze(self._service.process.pid)
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        self._service.process.wait()
        # What it shared with its children is free once the last one is gone.
        wait_until(lambda: not any(map(is_alive, killed)))
        try:
            yield
        finally:
            self._service.revive()

    @contextlib.contextmanager
    def hanging(self):
        """Freeze it with all its children: connections stay, packets are acknowledged, and nothing is answered."""
        frozen = freeze(self._service.process.pid)
        try:
            yield
        finally:
            for pid in reversed(frozen):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    @contextlib.contextmanager
    def read_only(self):
        """Let it write nothing, as a replica that was not promoted, or a server whose disk is full."""
        self._set_read_only("on")
        try:
            yield
        finally:
            self._set_read_only("off")

    @contextlib.contextmanager
    def flushed(self):
        """Let it forget all that it held, as after a restart without a file; it goes on at once."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()
            yield

    def _set_read_only(self, word):
        if self.name == "postgresql":
            with psycopg.connect(self.url, autocommit=True) as connection:
                connection.execute(f"ALTER SYSTEM SET default_transaction_read_only = {word}")
                connection.execute("SELECT pg_reload_conf()")
            return
        place = self._place
        with (
            pymysql.connect(
                host=place.hostname, port=place.port, user=place.username, password=place.password
            ) as connection,
            connection.cursor() as cursor,
        ):
            # `read_only` itself would not hold for the tests' user, who may do everything.
            cursor.execute(f"SET GLOBAL tx_read_only = {word}")
            cursor.execute(
                "SELECT id FROM information_schema.processlist WHERE id <> connection_id() AND user = 'ihuyi'"
            )
            for [session] in cursor.fetchall():
                with contextlib.suppress(pymysql.err.MySQLError):  # it has ended by itself
                    cursor.execute(f"KILL {session}")

    @property
    def _place(self):
        return urlsplit(self.url)


class DatabaseFile:
    """SQLite's kind of server, which cannot be killed, but kept from writing by anybody who writes."""

    name = "sqlite"

    def __init__(self, path):
        self._path = path
        # Writers wait for each other, in the example for twenty seconds; here nobody waits for as long as that.
        self.url = f"sqlite:///{path.as_posix()}?timeout=1"

    @contextlib.contextmanager
    def locked(self):
        with contextlib.closing(sqlite3.connect(self._path, isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            yield
            holder.execute("ROLLBACK")


def freeze(pid):
    """Stop a process and its children, of which PostgreSQL has one for each connection; return them, itself first."""
    os.kill(pid, signal.SIGSTOP)
    # From now on there are no more of them.
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    for child in children:
        os.kill(child, signal.SIGSTOP)
    return [pid, *children]


def is_alive(pid):
    """Say whether a process still runs; one that has ended may wait for somebody to take note."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@contextlib.contextmanager
def running_server(name):
    """Run a server that keeps what it has committed, whatever is done to it."""
    with services.running(name, durable=True) as [service]:
        yield Server(service)
