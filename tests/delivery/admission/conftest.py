"""Gates whose clock a test turns."""

import pytest

from django_ihuyi.delivery import admission
from tests.support.clocks import Clock


@pytest.fixture
def clock():
    """Turn the gates' time: they begin anew with this clock, until a setting is changed."""
    clock = Clock()
    admission.forget(clock=clock)
    return clock
