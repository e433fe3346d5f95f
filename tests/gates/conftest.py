"""Gates whose clock a test turns."""

import pytest

from django_ihuyi import gates
from tests.gates.clocks import Clock


@pytest.fixture
def clock():
    """Turn the gates' time: they begin anew with this clock, until a setting is changed."""
    clock = Clock()
    gates.forget(clock=clock)
    return clock
