"""Databases that are dead or empty, or whose clock is wrong."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.db.backends.sqlite3.base import DatabaseWrapper

from django_ihuyi.doctor.diagnoses import Diagnosis, Level
from django_ihuyi.doctor.stores import examine_database, judge_database_clock

pytestmark = pytest.mark.django_db


@pytest.fixture
def database():
    """Connect to another SQLite database for one test."""
    opened = []

    def connect(name):
        entry = {**connection.settings_dict, "ENGINE": "django.db.backends.sqlite3", "NAME": name, "OPTIONS": {}}
        opened.append(DatabaseWrapper(entry, alias="another"))
        return opened[-1]

    yield connect
    for another in opened:
        another.close()


def test_a_dead_database_is_reported_without_its_address(database, tmp_path):
    diagnoses = list(examine_database(database(str(tmp_path / "no" / "such" / "folder"))))

    assert [str(diagnosis) for diagnosis in diagnoses] == [
        (
            "FAIL  database another: The database does not answer (OperationalError). "
            "Without it nothing is sent or verified: check DATABASES and the server."
        )
    ]


def test_missing_tables_are_reported(database, tmp_path):
    first, second = examine_database(database(str(tmp_path / "empty.sqlite3")))

    assert (first.level, first.advice) == (Level.FAIL, "Run manage.py migrate.")
    assert re.fullmatch(r"[0-9]+ migrations? of ihuyi (is|are) not applied\.", first.text)
    assert second.level is Level.OK


@pytest.mark.parametrize(("seconds", "level"), [(0, Level.OK), (-30, Level.OK), (31, Level.WARN), (-3600, Level.WARN)])
def test_a_database_clock_with_skew_is_a_warning(seconds, level):
    assert judge_database_clock("database default", timedelta(seconds=seconds)) == Diagnosis(
        level=level,
        subject="database default",
        text=f"Its clock differs from this machine's by {seconds:+d} seconds; 30 are allowed.",
        advice=""
        if level is Level.OK
        else "Lifetimes and limits are correct: only the database's clock counts. Synchronize both clocks by NTP.",
    )
