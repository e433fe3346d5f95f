"""The way to the platform can be looked at, and nothing is said there that tells who asks."""

import datetime
import time

import pytest
import trustme

from django_ihuyi.client.http import Client
from django_ihuyi.client.probe import Way
from django_ihuyi.client.wsgi import WSGIAdapter
from django_ihuyi.simulator import Simulator
from django_ihuyi.simulator.app import SimulatorApp
from tests.client.conftest import ACCOUNT, API_KEY, SHORT
from tests.support.misbehaving_servers import Server, answer, raw_listener, says, tls_server

NOON = "Tue, 24 Nov 2026 12:00:00 GMT"


def test_probe_reports_each_step(make_client, tmp_path):
    authority, roots = trustme.CA(), tmp_path / "roots.pem"
    authority.cert_pem.write_to_path(str(roots))
    ends = datetime.datetime(2099, 1, 1, tzinfo=datetime.timezone.utc)
    noon = datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.timezone.utc).timestamp()
    tls = tls_server(authority.issue_cert("localhost", not_after=ends))
    with Server(says(answer(headers=[f"Date: {NOON}"])), tls=tls) as server:
        url = server.url(host="localhost")
        way = make_client(url, verify=str(roots), clock=lambda: noon - 90).probe()

    assert "127.0.0.1" in way.addresses
    assert way == Way(
        host="localhost",
        addresses=way.addresses,
        own_address="127.0.0.1",
        tls="TLSv1.3",
        certificate_ends=int(ends.timestamp()),
        skew=90,
    )


@pytest.mark.parametrize("path", ["/webservice/sms.php", "/sms/Submit.json"], ids=["v1", "v2"])
def test_probe_sends_neither_account_nor_key(make_client, path):
    with Server(says(answer())) as server:
        make_client(server.url(path)).probe()

    target = {"/webservice/sms.php": "/webservice/sms.php?method=GetNum"}.get(path, "/sms/GetNum.json")
    [request] = server.requests
    assert request == f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nConnection: close\r\n\r\n".encode()
    assert [secret for secret in (ACCOUNT, API_KEY) if secret.encode() in request] == []


@pytest.mark.parametrize("date", [[], ["Date: yesterday"], ["Date: Thu, 01 Jan 1970 00:00:00 GMT"]])
def test_probe_has_no_skew_without_a_usable_date(make_client, date):
    with Server(says(answer(headers=date))) as server:
        way = make_client(server.url()).probe()

    assert (way.fault, way.skew) == ("", None)


@pytest.mark.proof
@pytest.mark.timed
def test_probe_ends_in_time_if_the_answer_drips(make_client):
    def drip(connection, over):
        while not over.wait(0.05):
            connection.sendall(b"H")

    started = time.monotonic()
    with raw_listener(drip) as port:
        way = make_client(f"http://127.0.0.1:{port}/sms.php", **SHORT).probe()

    assert way.fault != ""
    assert time.monotonic() - started < 3


def test_something_else_than_http_is_a_fault(make_client):
    with raw_listener(lambda connection, over: connection.sendall(b"220 mail.example.com ESMTP\r\n")) as port:
        way = make_client(f"http://127.0.0.1:{port}/sms.php").probe()

    assert way.fault == "connection_lost"


def test_probe_is_none_with_an_adapter():
    client = Client(account=ACCOUNT, api_key=API_KEY, adapter=WSGIAdapter(SimulatorApp(Simulator())))

    assert client.probe() is None
