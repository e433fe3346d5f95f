"""F15, where each attempt can be counted: how often a dead platform is called, with a moved clock and real sockets."""

import socket

import pytest

from django_ihuyi.delivery import admission
from django_ihuyi.exceptions import SendingUnavailable
from django_ihuyi.models import Message
from tests.support.use_cases import send

pytestmark = pytest.mark.django_db

SENDS, SECONDS = 1000, 60


@pytest.fixture
def dead_platform(configure, clock):
    """The address of a port that refuses connections; its name is looked up once for each attempt."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = taken.getsockname()
    attempts = []

    def look_up(host, port, **options):
        attempts.append(clock())
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place)]

    options = {
        "account": "C00000001",
        "api_key": "0123456789abcdef0123456789abcdef",
        "url": f"http://localhost:{place[1]}/webservice/sms.php",
        "lookup": look_up,
    }
    backend = "django_ihuyi.backends.ihuyi.IhuyiBackend"
    configure(CHANNELS={"sms": {"BACKEND": backend, "OPTIONS": options}}, ALLOW_LOOPBACK=True)
    admission.forget(clock=clock)
    return attempts


def test_a_platform_that_refuses_connections_is_called_five_times_and_then_once_in_thirty_seconds(
    dead_platform, clock, figure
):
    began = clock()
    for number in range(SENDS):
        with pytest.raises(SendingUnavailable):
            send(f"+86138{number:08}")
        clock.let_pass(SECONDS / SENDS)

    attempts = [moment - began for moment in dead_platform]
    figure("F15 connections that were refused, one process", f"{len(attempts)} for {SENDS} sends in {SECONDS} s")
    # The client's second try is one of the five, and a probe has none.
    assert [moment < 1 for moment in attempts] == [True] * 5 + [False]
    assert 30 <= attempts[-1] < 31
    assert not Message.objects.exclude(state="unsent", fault="connection_refused", counted=False).exists()
    # Two messages were tried twice, one once, and then one was the probe.
    assert Message.objects.count() == 4
