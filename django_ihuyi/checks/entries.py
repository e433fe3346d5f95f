"""The well-formed channels of CHANNELS, as the findings read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django_ihuyi.backends import BaseBackend
from django_ihuyi.backends.ihuyi import IhuyiBackend
from django_ihuyi.checks.names import TYPES, fits, load
from django_ihuyi.conf import settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One channel; `backend` is None if its path does not name a backend class."""

    name: str
    path: str
    options: Mapping[str, Any] = field(repr=False)
    backend: type[BaseBackend] | None

    @property
    def calls_the_platform(self) -> bool:
        """Return True if the channel sends messages through an account of the platform."""
        return bool(self.backend and issubclass(self.backend, IhuyiBackend) and not self.backend.shows_codes)


def read_entries() -> list[Entry]:
    """Return the well-formed channels; ihuyi.E003 and ihuyi.E014 report the others."""
    channels = settings.CHANNELS if fits(settings.CHANNELS, TYPES["CHANNELS"]) else {}
    return [
        Entry(
            name=name,
            path=channel["BACKEND"],
            options=channel.get("OPTIONS", {}),
            backend=_load_backend(channel["BACKEND"]),
        )
        for name, channel in channels.items()
        if is_well_formed(channel)
    ]


def is_well_formed(channel: Mapping[str, Any]) -> bool:
    """Return True if a channel has a BACKEND, optionally OPTIONS, and nothing else."""
    return (
        set(channel) <= {"BACKEND", "OPTIONS"}
        and isinstance(channel.get("BACKEND"), str)
        and isinstance(channel.get("OPTIONS", {}), Mapping)
    )


def _load_backend(path: str) -> type[BaseBackend] | None:
    backend = load(path)
    return backend if isinstance(backend, type) and issubclass(backend, BaseBackend) else None
