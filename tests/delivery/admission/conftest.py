"""Admission control whose clock a test turns."""

import pytest

from django_ihuyi.delivery import admission
from tests.support.clocks import Clock


@pytest.fixture
def clock():
    """Begin admission control anew with a clock that a test turns, until a setting is changed."""
    clock = Clock()
    admission.forget(clock=clock)
    return clock
