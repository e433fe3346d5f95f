"""The demonstration fails loudly when a step does not hold."""

import contextlib
import http.server
import sqlite3
import threading

import pytest

from example_project import demo


class Refusing(http.server.BaseHTTPRequestHandler):
    """A site on which nothing works."""

    def do_POST(self):
        self.send_error(503)

    def log_message(self, *arguments):
        """Say nothing: the test reads what is printed."""


@pytest.fixture
def broken_site():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_first_answer_that_is_not_as_promised_ends_the_story(broken_site, capsys):
    with pytest.raises(demo.StepFailed, match="the status 503 instead of 202"):
        demo.verify_a_phone(broken_site)

    assert "  < 503 " in capsys.readouterr().out


def test_a_promise_that_does_not_hold_ends_the_story():
    with pytest.raises(demo.StepFailed, match="the phone is the same"):
        demo.require(False, "the phone is the same")


@pytest.fixture
def database(tmp_path):
    """Make a database to which these migrations of the app were applied."""

    def make(*names):
        path = tmp_path / "db.sqlite3"
        with contextlib.closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("CREATE TABLE django_migrations (app text, name text)")
            rows = [("ihuyi", name) for name in names] + [("auth", "0012_alter_user_first_name_max_length")]
            connection.executemany("INSERT INTO django_migrations VALUES (?, ?)", rows)
        return path

    return make


def test_a_database_of_migrations_that_are_gone_is_set_aside_whole(database, capsys):
    path = database("0001_initial", "0002_outbox")

    demo.set_aside_older(path)

    with contextlib.closing(sqlite3.connect(path.with_name("db.sqlite3.old"))) as connection:
        [count] = connection.execute("SELECT COUNT(*) FROM django_migrations").fetchone()
    assert (path.exists(), count) == (False, 3)
    assert "db.sqlite3.old" in capsys.readouterr().out


@pytest.mark.parametrize("names", [["0001_initial"], []], ids=["of today", "without the app"])
def test_another_database_is_kept(database, names):
    path = database(*names)

    demo.set_aside_older(path)

    assert [file.name for file in path.parent.iterdir()] == ["db.sqlite3"]


def test_without_a_database_there_is_nothing_to_set_aside(tmp_path):
    demo.set_aside_older(tmp_path / "db.sqlite3")

    assert list(tmp_path.iterdir()) == []
