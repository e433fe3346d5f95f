"""CHANNELS as the findings look at it: what is well formed, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.module_loading import import_string

from django_ihuyi.backends import BaseBackend
from django_ihuyi.backends.ihuyi import IhuyiBackend
from django_ihuyi.checks.names import TYPES, fits
from django_ihuyi.conf import settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One channel; `backend` is None where its path leads nowhere."""

    name: str
    path: str
    options: Mapping[str, Any] = field(repr=False)
    backend: type[BaseBackend] | None

    @property
    def calls_the_platform(self) -> bool:
        """Say whether messages leave for an account of the platform."""
        return bool(self.backend and issubclass(self.backend, IhuyiBackend) and not self.backend.shows_codes)


def read_entries() -> list[Entry]:
    """Return the channels that are well formed; ihuyi.E003 and ihuyi.E014 tell of the others."""
    channels = settings.CHANNELS if fits(settings.CHANNELS, TYPES["CHANNELS"]) else {}
    return [
        Entry(name=name, path=channel["BACKEND"], options=channel.get("OPTIONS", {}), backend=_load(channel["BACKEND"]))
        for name, channel in channels.items()
        if is_well_formed(channel)
    ]


def is_well_formed(channel: Mapping[str, Any]) -> bool:
    """Say whether a channel has a BACKEND, perhaps OPTIONS, and nothing else."""
    return (
        set(channel) <= {"BACKEND", "OPTIONS"}
        and isinstance(channel.get("BACKEND"), str)
        and isinstance(channel.get("OPTIONS", {}), Mapping)
    )


def _load(path: str) -> type[BaseBackend] | None:
    try:
        backend = import_string(path)
    except ImportError:
        return None
    return backend if isinstance(backend, type) and issubclass(backend, BaseBackend) else None
