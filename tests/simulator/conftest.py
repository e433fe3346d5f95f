"""A simulator whose clock stands still, and ways to call it."""

import pytest

from django_ihuyi.simulator import Account, Limits, Simulator
from django_ihuyi.simulator.server import serving
from tests.support.simulator_calls import NOON, Caller


class Clock:
    def __init__(self):
        self.now = NOON

    def __call__(self):
        return self.now

    def pass_seconds(self, seconds):
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def simulator(clock):
    return Simulator(clock=clock)


@pytest.fixture
def platform(simulator):
    return Caller(simulator)


@pytest.fixture
def make_platform(clock):
    """Make a platform with an account of one's own."""

    def make(*, limits=True, blocked_addresses=(), remote_pages=False, limits_of_account=None, **account):
        simulator = Simulator(
            accounts=[Account(limits=limits_of_account or Limits(), **account)],
            limits=limits,
            blocked_addresses=blocked_addresses,
            clock=clock,
        )
        return Caller(simulator, remote_pages=remote_pages)

    return make


@pytest.fixture
def server(simulator):
    with serving(simulator) as server:
        yield server
