"""What every test may ask for, and the figures that the proofs print."""

import pytest
from django.core.cache import cache
from django.db import connection

FIGURE = "figure "


@pytest.fixture(autouse=True)
def empty_cache():
    """A counter of one test is none of the next one's business."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def figure(record_property):
    """Note a measured figure, as in `figure("F1", "1 of 200")`; the run ends with a list of them."""
    return lambda name, value: record_property(FIGURE + name, value)


@pytest.fixture
def database_url(transactional_db):
    """The address of this test's database, for other processes that shall work on it."""
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{settings['NAME']}"
    scheme = {"postgresql": "postgres", "mysql": "mysql"}[connection.vendor]
    return "{scheme}://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(scheme=scheme, **settings)


def pytest_terminal_summary(terminalreporter):
    figures = [
        (name.removeprefix(FIGURE), value)
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in report.user_properties
        if name.startswith(FIGURE)
    ]
    if figures:
        terminalreporter.section("figures")
    for name, value in sorted(figures, key=str):
        terminalreporter.line(f"{name}: {value}")
