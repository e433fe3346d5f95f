"""A DATABASE_URL becomes an entry with an end to every wait."""

import pytest

from example_project import databases


@pytest.mark.parametrize(
    ("url", "engine"),
    [
        ("sqlite:////srv/site.sqlite3", "sqlite3"),
        ("postgres://me:secret@db.example:5433/site", "postgresql"),
        ("postgresql://me:secret@db.example:5433/site", "postgresql"),
        ("mysql://me:secret@db.example:3307/site", "mysql"),
        ("mariadb://me:secret@db.example:3307/site", "mysql"),
    ],
)
def test_each_database_gets_its_own_options(url, engine):
    entry = databases.from_url(url)

    assert entry["ENGINE"] == f"django.db.backends.{engine}"
    assert entry["OPTIONS"] == databases.OPTIONS[entry["ENGINE"]]


def test_an_option_in_the_address_wins_and_touches_no_other_entry():
    changed = databases.from_url("mysql://me@db.example/site?read_timeout=600")

    assert changed["OPTIONS"]["read_timeout"] == 600
    assert databases.from_url("mysql://me@db.example/site")["OPTIONS"]["read_timeout"] == 3


@pytest.mark.parametrize(("host", "disabled"), [("127.0.0.1", True), ("db.example", None)])
def test_a_way_within_this_machine_is_not_encrypted(host, disabled):
    options = databases.from_url(f"mysql://me@{host}/site")["OPTIONS"]

    assert options.get("ssl_disabled") is disabled


@pytest.mark.parametrize("engine", ["postgresql", "mysql"])
def test_a_server_that_hangs_cannot_hang_the_site(engine):
    options = str(databases.OPTIONS[f"django.db.backends.{engine}"])

    assert "connect_timeout" in options
    assert "statement_timeout" in options or "read_timeout" in options
