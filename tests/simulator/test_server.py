"""The server: many clients at once, latency, and its end."""

import socket
import threading
import time

import pytest

from django_ihuyi.simulator import Simulator
from django_ihuyi.simulator.addresses import is_loopback
from django_ihuyi.simulator.server import serving
from tests.support.raw_sockets import connect, exchange, write_post
from tests.support.simulator_calls import make_form


def test_latency_delays_the_answer_but_not_the_message():
    simulator = Simulator(latency=0.2)
    with serving(simulator) as server:
        exchange(server, write_post(make_form()))
        answered = time.time()

    assert answered - simulator.messages()[0].arrived >= 0.15


def test_closing_disconnects_clients_and_frees_the_port(simulator):
    with serving(simulator) as server:
        connection = connect(server)
        connection.sendall(b"GET /nothing HTTP/1.1\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 404")

    assert connection.recv(1) == b""
    connection.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(server.server_address)


def test_200_clients_at_once_are_all_answered(server, simulator):
    statuses = []

    def send(number):
        statuses.append(exchange(server, write_post(make_form(mobile=f"13800138{number:03d}")))[:15])

    threads = [threading.Thread(target=send, args=[number]) for number in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [b"HTTP/1.1 200 OK"] * 200
    assert simulator.count_codes() == {2: 200}


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.1", False),
        ("example.com", False),
        ("", False),
    ],
)
def test_loopback_addresses_are_recognized(host, expected):
    assert is_loopback(host) is expected
