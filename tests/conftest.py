"""What every test may ask for, and the figures that the proofs print."""

import os
from pathlib import Path

import hypothesis
import pytest
from django.core.cache import cache
from django.db import connection
from django.utils import translation

from django_ihuyi.backends import locmem
from django_ihuyi.backends.simulator import get_app
from django_ihuyi.delivery import admission
from tests.support import dispatchers, flushing

FIGURE = "figure "

# How long an example takes is the machine's affair; what must be fast is measured by a test of its own.
hypothesis.settings.register_profile("suite", deadline=None)
# The same examples each time, for CI: no change fails by the luck of another one.
hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

flushing.install()


@pytest.fixture(autouse=True)
def empty_cache():
    """A counter of one test is none of the next one's business."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def fresh_admission():
    """What a test's failing platform has taught this process is none of the next test's business."""
    admission.forget()
    yield
    admission.forget()


@pytest.fixture(autouse=True)
def empty_queues():
    """What one test enqueued and nobody took is none of the next test's business."""
    yield
    dispatchers.queue.clear()
    dispatchers.later.clear()


@pytest.fixture(autouse=True)
def default_language():
    """Django's test client leaves the language of its last request behind."""
    translation.deactivate()
    yield
    translation.deactivate()


@pytest.fixture
def outbox():
    """The messages that left through the locmem backend; empty when a test begins."""
    locmem.outbox.clear()
    yield locmem.outbox
    locmem.outbox.clear()


@pytest.fixture
def own_simulator():
    """Find the simulator of this process: empty at first, and with the templates of the settings at the first look."""
    get_app.cache_clear()
    yield lambda: get_app().simulator
    get_app.cache_clear()


@pytest.fixture
def configure(settings):
    """Change the app's settings for one test, as in `configure(CODE_LENGTH=8)`."""

    def change(**chosen):
        settings.IHUYI = {**settings.IHUYI, **chosen}

    return change


@pytest.fixture
def figure(record_property):
    """Note a measured figure, as in `figure("F1", "1 of 200")`; the run ends with a list of them."""
    return lambda name, value: record_property(FIGURE + name, value)


@pytest.fixture
def database_url(transactional_db):
    """The address of this test's database, for other processes that shall work on it."""
    return url_of(connection)


def url_of(connection):
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{Path(settings['NAME']).as_posix()}"
    scheme = {"postgresql": "postgres", "mysql": "mysql"}[connection.vendor]
    return "{scheme}://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(scheme=scheme, **settings)


def pytest_terminal_summary(terminalreporter):
    figures = [
        (name.removeprefix(FIGURE), value)
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "teardown"
        for name, value in report.user_properties
        if name.startswith(FIGURE)
    ]
    if figures:
        terminalreporter.section("figures")
    for name, value in sorted(figures, key=str):
        terminalreporter.line(f"{name}: {value}")
