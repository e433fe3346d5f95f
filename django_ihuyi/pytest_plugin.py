"""Fixtures for the tests of your project. pytest finds them wherever django_ihuyi is installed.

The fixtures import the rest by name when a test uses them: pytest loads this module before Django has its settings.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from django.conf import settings
from django.utils.module_loading import import_string

__all__ = ["ihuyi_outbox", "ihuyi_simulator", "ihuyi_simulator_url"]

BACKENDS = "django_ihuyi.backends"
#: The platform's channels; the project's own channels are added to them.
CHANNELS = ("sms", "voice", "international", "marketing")


@pytest.fixture
def ihuyi_simulator() -> Iterator[Any]:
    """Return an empty simulator of the platform: `.messages(phone)`, `.latest_code(phone)`.

    With Django settings, all channels send to it in process during this test. Without, it is a new one to serve.
    """
    if not _has_settings():
        yield import_string("django_ihuyi.simulator.Simulator")()
        return
    simulator = import_string(f"{BACKENDS}.simulator.get_app")().simulator
    simulator.reset()
    with _sending_by(f"{BACKENDS}.simulator.SimulatorBackend"):
        yield simulator
    simulator.reset()


@pytest.fixture
def ihuyi_simulator_url(ihuyi_simulator: Any) -> Iterator[str]:
    """Return the URL at which `ihuyi_simulator` is served during this test, without a path."""
    with import_string("django_ihuyi.simulator.server.serving")(ihuyi_simulator) as server:
        yield server.url


@pytest.fixture
def ihuyi_outbox() -> Iterator[list[Any]]:
    """Return the list that collects all messages of this test; nothing is sent."""
    if not _has_settings():
        pytest.fail("ihuyi_outbox needs Django settings: set DJANGO_SETTINGS_MODULE.", pytrace=False)
    outbox = import_string(f"{BACKENDS}.locmem.outbox")
    outbox.clear()
    with _sending_by(f"{BACKENDS}.locmem.LocmemBackend"):
        yield outbox
    outbox.clear()


def _has_settings() -> bool:
    return settings.configured or "DJANGO_SETTINGS_MODULE" in os.environ


def _sending_by(backend: str) -> contextlib.AbstractContextManager[Any]:
    chosen: Mapping[str, Any] = getattr(settings, "IHUYI", {})
    channels = {name: {"BACKEND": backend} for name in (*CHANNELS, *chosen.get("CHANNELS", {}))}
    override: contextlib.AbstractContextManager[Any] = import_string("django.test.utils.override_settings")(
        IHUYI={**chosen, "CHANNELS": channels}
    )
    return override
