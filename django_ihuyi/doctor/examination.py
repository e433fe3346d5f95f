"""All steps of the examination, from the settings to the balance of every channel."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from django_ihuyi.conf import settings
from django_ihuyi.doctor.channels import examine_channel
from django_ihuyi.doctor.diagnoses import Diagnosis, fail
from django_ihuyi.doctor.site import (
    examine_addresses,
    examine_keys,
    examine_proxies,
    examine_settings,
    examine_test_numbers,
    run_our_checks,
)
from django_ihuyi.doctor.stores import examine_cache, examine_database, our_databases

#: Errors after which the other settings cannot be read.
UNREADABLE = {"ihuyi.E001", "ihuyi.E003", "ihuyi.E014"}


def examine() -> Iterator[Diagnosis]:
    """Yield one diagnosis after the other, as soon as it is known. No message is sent."""
    found = run_our_checks()
    yield from examine_settings(found)
    if any(message.id in UNREADABLE for message in found):
        advice = _("Correct these settings first, then run the doctor again.")
        yield fail("settings", _("Nothing else can be examined."), advice)
        return
    yield examine_keys()
    yield examine_proxies()
    yield from examine_addresses()
    yield from examine_test_numbers()
    for database in our_databases():
        yield from examine_database(database)
    yield examine_cache()
    for channel in settings.CHANNELS:
        yield from examine_channel(channel)
