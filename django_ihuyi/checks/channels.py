"""Findings about CHANNELS: whether each channel can be used."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.conf import settings as django_settings
from django.core import mail
from django.core.exceptions import ImproperlyConfigured

from django_ihuyi.backends.ihuyi import IhuyiBackend
from django_ihuyi.checks.accounts import complain_of_options
from django_ihuyi.checks.entries import Entry, is_well_formed, read_entries
from django_ihuyi.checks.findings import finding
from django_ihuyi.checks.names import sound


@finding("E013", hint='Add the channel "sms" to CHANNELS: codes use it unless the caller names another channel.')
def find_no_sms() -> Iterator[str]:
    """CHANNELS has no channel `sms`."""
    if "sms" not in sound("CHANNELS"):
        yield "IHUYI['CHANNELS'] has no channel 'sms'."


@finding("E014", hint='Write {"sms": {"BACKEND": "path.of.a.Class", "OPTIONS": {…}}}.')
def find_malformed_channels() -> Iterator[str]:
    """A channel's name is invalid, or its entry is not a BACKEND with OPTIONS."""
    for name, channel in sound("CHANNELS").items():
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,15}", name):
            yield f"The channel's name {name!r} must be up to 16 lower-case letters, digits and underscores."
        if not is_well_formed(channel):
            yield f"IHUYI['CHANNELS'][{name!r}] must have a BACKEND, may have OPTIONS, and must have no other key."


@finding("E015", hint="Set BACKEND to the dotted path of a subclass of django_ihuyi.backends.BaseBackend.")
def find_unknown_backends() -> Iterator[str]:
    """A channel's BACKEND cannot be imported, or is not a backend."""
    for entry in read_entries():
        if entry.backend is None:
            yield f"IHUYI['CHANNELS'][{entry.name!r}]: {entry.path!r} cannot be imported, or is not a backend."


@finding("E021", hint="Correct OPTIONS: the documentation of the backend lists its options.")
def find_refused_options() -> Iterator[str]:
    """A channel's backend rejects its OPTIONS, for a reason that no other check reports."""
    for entry in read_entries():
        if entry.calls_the_platform and complain_of_options(entry.options):
            continue
        if complaint := _try_out(entry):
            yield f"IHUYI['CHANNELS'][{entry.name!r}]: {complaint}."


@finding("E022", hint="Use django_ihuyi.backends.ihuyi.IhuyiBackend in production.")
def find_shown_codes() -> Iterator[str]:
    """DEBUG is off, and a channel's backend displays codes instead of sending them."""
    for entry in read_entries():
        if entry.backend and entry.backend.shows_codes and _is_production() and not _is_allowed_simulator(entry):
            yield f"The channel {entry.name!r} displays its codes ({entry.path}), and DEBUG is off."


@finding("W002", hint="Remove SIMULATOR_IN_PRODUCTION: anyone who can open the simulator's pages can read every code.")
def find_simulator_in_production() -> Iterator[str]:
    """DEBUG is off, and SIMULATOR_IN_PRODUCTION allows the simulator anyway."""
    if sound("SIMULATOR_IN_PRODUCTION") and _is_production():
        yield "The simulator may be used, and its pages are served, although DEBUG is off."


def _try_out(entry: Entry) -> str:
    try:
        if entry.backend:
            entry.backend(channel=entry.name, **entry.options)
    except (TypeError, ValueError, ImproperlyConfigured) as error:
        return str(error)
    return ""


def _is_production() -> bool:
    # Django's test runners turn DEBUG off, too. Only they create `mail.outbox`.
    return not django_settings.DEBUG and not hasattr(mail, "outbox")


def _is_allowed_simulator(entry: Entry) -> bool:
    is_simulator = entry.backend is not None and issubclass(entry.backend, IhuyiBackend)
    return is_simulator and bool(sound("SIMULATOR_IN_PRODUCTION"))
