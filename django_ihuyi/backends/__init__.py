"""Backends: `get_backend(channel)` returns the one that CHANNELS configures."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from django_ihuyi.backends.base import BaseBackend
from django_ihuyi.conf import settings
from django_ihuyi.texts.templates import OutgoingText

__all__ = ["BaseBackend", "OutgoingText", "get_backend"]

_backends: dict[str, BaseBackend] = {}


def get_backend(channel: str) -> BaseBackend:
    """Return the backend of a channel, one for each process. Raises ImproperlyConfigured for a wrong CHANNELS."""
    if channel not in _backends:
        try:
            configured = settings.CHANNELS[channel]
            backend_class: type[BaseBackend] = import_string(configured["BACKEND"])
            _backends[channel] = backend_class(channel=channel, **configured.get("OPTIONS", {}))
        except (KeyError, ImportError, TypeError, ValueError) as error:
            # The class of the error only: its text may quote an option, and one of them is the key.
            message = f"IHUYI['CHANNELS'][{channel!r}] cannot be used: {type(error).__name__}"
            raise ImproperlyConfigured(message) from error
    return _backends[channel]


# For tests that override IHUYI: the next call makes backends from the new settings.
def _forget_backends(*, setting: str, **_: Any) -> None:
    if setting == "IHUYI":
        _backends.clear()


setting_changed.connect(_forget_backends)
