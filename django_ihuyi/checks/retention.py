"""Findings about RETENTION: how long personal data are kept, and whether the purge runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from django.db.backends.base.base import BaseDatabaseWrapper

from django_ihuyi.checks import budgets
from django_ihuyi.checks.databases import our_databases
from django_ihuyi.checks.findings import finding, is_unreadable
from django_ihuyi.checks.names import sound
from django_ihuyi.conf import Settings, settings
from django_ihuyi.retention.periods import UNLIMITED
from django_ihuyi.retention.steps import STEPS

DEFAULTS: Mapping[str, int | None] = Settings.RETENTION
#: Limits count 25 hours back, whatever is set; a message of today must not be erased today.
LEAST = {"message_days": 2}
MOST = 36_500
#: A daily purge leaves no row that has been due for longer.
GRACE = timedelta(days=7)


@finding("E056", hint="Correct the name: the settings reference lists the periods of RETENTION.")
def find_unknown_periods() -> Iterator[str]:
    """RETENTION has an unknown period."""
    for name in sorted(set(sound("RETENTION")) - set(DEFAULTS)):
        yield f"IHUYI['RETENTION'] has the unknown period {name!r}."


@finding("E057", hint="Write whole hours or days from 1, for messages from 2; only verification_days may be None.")
def find_wrong_periods() -> Iterator[str]:
    """A period of RETENTION is invalid."""
    for name, length in _known().items():
        if length is None and name in UNLIMITED:
            continue
        if type(length) is not int or not LEAST.get(name, 1) <= length <= MOST:
            yield f"IHUYI['RETENTION'][{name!r}] is {length!r}, which is not a valid period."


@finding("E058", hint="Set phone_days to at most message_days.")
def find_numbers_that_outlive_their_messages() -> Iterator[str]:
    """RETENTION keeps numbers longer than the messages sent to them."""
    periods = _known()
    phone, message = periods["phone_days"], periods["message_days"]
    if phone and message and phone > message:
        yield f"IHUYI['RETENTION'] keeps numbers for {phone} days, but messages for {message}."


@finding("W025", hint="Keep data no longer than you need them, and state how long in your privacy policy.", deploy=True)
def find_long_periods() -> Iterator[str]:
    """A period of RETENTION exceeds its default, which suffices for limits, complaints and bills."""
    for name, length in _known().items():
        default = DEFAULTS[name]
        if default is not None and length is not None and length > default:
            yield f"IHUYI['RETENTION'][{name!r}] is {length}, above the default of {default}."


@finding("W026", hint="Run `manage.py ihuyi_purge` every day.", deploy=True, asks_databases=True)
def find_no_purge(connection: BaseDatabaseWrapper) -> Iterator[str]:
    """Rows have been due for erasure for more than seven days: the purge does not run."""
    if connection.alias not in our_databases() or not _is_readable():
        return
    # `check` may run before `migrate` has created the tables.
    tables = connection.introspection.table_names()
    for step in STEPS:
        is_there = step.model._meta.db_table in tables
        if is_there and step.due(using=connection.alias, grace=GRACE).exists():
            yield f"The database {connection.alias!r} still has {step.name} that are due for erasure."


def _is_readable() -> bool:
    """Return True if the periods of all steps are valid; other findings report why not."""
    if is_unreadable() or sound("RETENTION") != settings.RETENTION or any(find_wrong_periods()):
        return False
    return budgets.are_readable()


def _known() -> Mapping[str, int | None]:
    return {name: length for name, length in sound("RETENTION").items() if name in DEFAULTS}
