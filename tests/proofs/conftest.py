"""The platform, and the example site on the database that the suite runs on."""

import functools

import pytest
from django.db import connection

from tests import services
from tests.conftest import url_of
from tests.proofs.support.processes import running_platform
from tests.proofs.support.site_client import running_warm


@pytest.fixture(autouse=True)
def clean_database(transactional_db):
    """Nothing of one race is left for the next one."""


@pytest.fixture(scope="session")
def platform():
    """The simulator without limits of its own: every message that is let out is one that arrives."""
    with running_platform("--no-limits") as platform:
        yield platform


@pytest.fixture(scope="module")
def redis():
    """A server for Celery's queue, which a test may stop."""
    with services.running("redis") as [server]:
        yield server


@pytest.fixture(scope="session")
def running(django_db_setup, platform):
    """Run a site of one's own: `with running(PROOF_RESEND_INTERVAL="0") as site`."""
    return functools.partial(running_warm, platform, database_url=url_of(connection))


@pytest.fixture(scope="session")
def site(running):
    with running() as site:
        yield site


@pytest.fixture(scope="session")
def hasty_site(running):
    """A site without an interval between two messages of one purpose: what is left is the pace and the daily limit."""
    with running(PROOF_RESEND_INTERVAL="0") as site:
        yield site
