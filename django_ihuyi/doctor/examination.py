"""All steps of the examination, from the settings to the balance of every channel."""

from __future__ import annotations

from collections.abc import Iterator

from django_ihuyi.conf import settings
from django_ihuyi.doctor.channels import examine_channel
from django_ihuyi.doctor.diagnoses import Diagnosis
from django_ihuyi.doctor.site import (
    examine_keys,
    examine_proxies,
    examine_settings,
    examine_test_numbers,
    find_unreadable,
)
from django_ihuyi.doctor.stores import examine_cache, examine_database, our_databases


def examine() -> Iterator[Diagnosis]:
    """Yield one diagnosis after the other, as soon as it is known. No message is sent."""
    yield from examine_settings()
    if unreadable := find_unreadable():
        yield unreadable
        return
    yield examine_keys()
    yield examine_proxies()
    yield from examine_test_numbers()
    for database in our_databases():
        yield from examine_database(database)
    yield examine_cache()
    for channel in settings.CHANNELS:
        yield from examine_channel(channel)
