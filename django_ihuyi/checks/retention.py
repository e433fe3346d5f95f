"""Findings about RETENTION: how long personal data are kept, and whether anybody erases them."""

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
#: What the limits look back at is kept whatever is set, and a message shall not vanish on the day it was sent.
LEAST = {"message_days": 2}
MOST = 36_500
#: A purge that runs every day has left nothing for so long.
GRACE = timedelta(days=7)


@finding("E056", hint="The reference of settings lists what RETENTION may say.")
def find_unknown_periods() -> Iterator[str]:
    """RETENTION has a period for something that has none."""
    for name in sorted(set(sound("RETENTION")) - set(DEFAULTS)):
        yield f"IHUYI['RETENTION'] has no period {name!r}."


@finding("E057", hint="Write whole hours or days from 1, for messages from 2; None is for verification_days only.")
def find_wrong_periods() -> Iterator[str]:
    """A period of RETENTION is no time that something could be kept for."""
    for name, length in _known().items():
        if length is None and name in UNLIMITED:
            continue
        if type(length) is not int or not LEAST.get(name, 1) <= length <= MOST:
            yield f"IHUYI['RETENTION'][{name!r}] is {length!r}."


@finding("E058", hint="Keep numbers no longer than the messages that went to them.")
def find_numbers_that_outlive_their_messages() -> Iterator[str]:
    """RETENTION keeps numbers longer than the messages that went to them."""
    periods = _known()
    phone, message = periods["phone_days"], periods["message_days"]
    if phone and message and phone > message:
        yield f"IHUYI['RETENTION'] keeps numbers {phone} days, and messages {message}."


@finding(
    "W025", hint="Keep it no longer than you need it, and say in your privacy policy how long that is.", deploy=True
)
def find_long_periods() -> Iterator[str]:
    """RETENTION keeps something longer than its default, which suffices for limits, complaints and bills."""
    for name, length in _known().items():
        default = DEFAULTS[name]
        if default is not None and length is not None and length > default:
            yield f"IHUYI['RETENTION'][{name!r}] is {length}, the default {default}."


@finding("W026", hint="Let `manage.py ihuyi_purge` run every day.", deploy=True, asks_databases=True)
def find_no_purge(connection: BaseDatabaseWrapper) -> Iterator[str]:
    """Something should have been erased more than seven days ago: the purge does not run."""
    if connection.alias not in our_databases() or not _is_readable():
        return
    tables = connection.introspection.table_names()
    for step in STEPS:
        is_there = step.model._meta.db_table in tables
        if is_there and step.due(using=connection.alias, grace=GRACE).exists():
            yield f"The database {connection.alias!r} still has {step.name} that are due."


def _is_readable() -> bool:
    """Say whether there are periods to go by; other findings tell why not."""
    if is_unreadable() or sound("RETENTION") != settings.RETENTION or any(find_wrong_periods()):
        return False
    return budgets.are_readable()


def _known() -> Mapping[str, int | None]:
    return {name: length for name, length in sound("RETENTION").items() if name in DEFAULTS}
