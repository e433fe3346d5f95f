"""What loggers say of an error that they did not expect."""

import logging
import re

import pytest
from django.db import DataError, IntegrityError

from django_ihuyi.logs import get_logger
from tests.support.use_cases import PHONE
from tests.test_architecture import HOUSE

ROW = f"Failing row contains (1, {PHONE})."


def fails_in_the_database():
    raise DataError(ROW)


def fails_because_the_database_did():
    try:
        fails_in_the_database()
    except DataError as error:
        raise RuntimeError("no worker") from error


def fails_while_it_handles_that():
    try:
        raise IntegrityError(ROW)
    except IntegrityError:
        return {}["what was to be done then"]


@pytest.mark.parametrize(
    ("act", "name"),
    [
        (fails_in_the_database, "DataError"),
        (fails_because_the_database_did, "RuntimeError"),
        (fails_while_it_handles_that, "KeyError"),
    ],
)
def test_an_error_of_the_database_is_logged_by_its_class_and_its_place(act, name, caplog):
    try:
        act()
    except (DataError, RuntimeError, KeyError):
        get_logger("django_ihuyi.test").exception("message %d was lost", 7)

    [record] = caplog.records
    assert (record.levelno, record.getMessage()) == (logging.ERROR, "message 7 was lost")
    assert name in caplog.text
    assert act.__name__ in caplog.text
    assert PHONE not in caplog.text


def test_any_other_error_is_logged_as_it_is(caplog):
    try:
        raise RuntimeError("no worker")
    except RuntimeError:
        get_logger("django_ihuyi.test").exception("message %d was lost", 7)

    assert "RuntimeError: no worker" in caplog.text


def test_no_other_module_makes_a_logger():
    makers = [
        path.name for path in HOUSE.package.rglob("*.py") if re.search(r"logging\.getLogger", path.read_text("utf-8"))
    ]

    assert makers == ["logs.py"]
