"""HTTP/1.1 as clients speak it, and requests that cannot be answered."""

import contextlib
import http.client
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.raw_sockets import PATH, connect, exchange, write_post
from tests.support.simulator_calls import FORM_TYPE, NOON, make_form, read_code, sign


def test_the_whole_url_as_target_is_accepted_as_from_a_client_behind_a_proxy(server, simulator):
    answer = exchange(server, write_post(make_form(), target=f"http://106.ihuyi.com{PATH}"))

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert len(simulator.messages()) == 1


def test_many_requests_share_a_connection(server, simulator):
    connection = http.client.HTTPConnection(*server.server_address, timeout=60)
    with contextlib.closing(connection):
        connection.connect()
        first = connection.sock
        for number in range(50):
            form = sign(make_form(mobile=f"138001380{number:02d}", format="json"), time=int(NOON))
            connection.request("POST", PATH, urlencode(form), {"Content-Type": FORM_TYPE})
            assert read_code(connection.getresponse().read()) == 2
        assert connection.sock is first

    assert len(simulator.messages()) == 50


def test_requests_sent_ahead_are_answered_in_order(server):
    requests = [write_post(make_form(mobile=f"1380013800{number}", format="json")) for number in range(3)]

    answer = exchange(server, b"".join([*requests, write_post({"format": "json"})]))

    assert [part[:5].rstrip(b",") for part in answer.split(b'{"code":')[1:]] == [b'2,"ms', b'2,"ms', b'2,"ms', b'401,"']


@pytest.mark.parametrize(
    ("more", "version", "kept"),
    [
        ("", "1.1", True),
        ("Connection: close\r\n", "1.1", False),
        ("", "1.0", False),
        ("Connection: Keep-Alive\r\n", "1.0", True),
    ],
)
def test_a_connection_is_closed_when_the_client_wants_it(server, more, version, kept):
    request = f"GET /nothing HTTP/{version}\r\n{more}\r\n".encode()

    assert exchange(server, request * 2).count(b"HTTP/1.1 404") == (2 if kept else 1)


def test_a_client_that_waits_for_100_continue_gets_it(server):
    request = write_post(make_form(), more="Expect: 100-continue\r\n")
    head, body = request.split(b"\r\n\r\n")

    with connect(server) as connection:
        connection.sendall(head + b"\r\n\r\n")
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert connection.recv(100).startswith(b"HTTP/1.1 200 OK")


GET_MESSAGE = f"GET {PATH}&{urlencode(make_form())} HTTP/1.1\r\nHost: 106.ihuyi.com\r\n\r\n".encode()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("request_", [write_post(make_form()), GET_MESSAGE], ids=["POST", "GET"])
def test_half_a_request_counts_for_nothing(server, simulator, request_, share):
    assert exchange(server, request_[: int(len(request_) * share)]) == b""

    assert simulator.journal() == []


def test_a_head_without_its_blank_line_counts_for_nothing(server, simulator):
    assert exchange(server, GET_MESSAGE[:-2]) == b""

    assert simulator.journal() == []


def test_a_post_without_a_length_has_no_body(server):
    answer = exchange(server, b"POST /_simulator/reset HTTP/1.1\r\nConnection: close\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize("target", ["http://[", "http://a\xbd/", "ftp://x/", "*", "//", "%", "http://?"])
def test_a_strange_target_is_answered(server, target):
    assert exchange(server, f"GET {target} HTTP/1.1\r\n\r\n".encode("latin-1")).startswith(b"HTTP/1.1 404")


def test_a_method_that_the_platform_does_not_know_is_refused_and_recorded(server, simulator):
    assert exchange(server, f"PATCH {PATH} HTTP/1.1\r\n\r\n".encode()).startswith(b"HTTP/1.1 405")

    assert [entry.verb for entry in simulator.journal()] == ["PATCH"]


BIG = "x" * 70_000


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        pytest.param("GET\r\n\r\n", 400, id="one word"),
        pytest.param("GET / to there HTTP/1.1\r\n\r\n", 400, id="four words"),
        pytest.param("GET / HTTP/2.0\r\n\r\n", 505, id="version"),
        pytest.param("\x16\x03\x01\x02\x00\x01\r\n\r\n", 400, id="TLS"),
        pytest.param("CONNECT 106.ihuyi.com:443 HTTP/1.1\r\n\r\n", 501, id="tunnel"),
        pytest.param("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400, id="negative length"),
        pytest.param("POST / HTTP/1.1\r\nContent-Length: ²\r\n\r\n", 400, id="superscript length"),
        pytest.param("POST / HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\n", 400, id="two lengths"),
        pytest.param("POST / HTTP/1.1\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n", 411, id="both"),
        pytest.param("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411, id="chunked"),
        pytest.param(f"POST / HTTP/1.1\r\nContent-Length: {'9' * 18}\r\n\r\n", 413, id="length"),
        pytest.param(f"POST / HTTP/1.1\r\nContent-Length: {'9' * 5000}\r\n\r\n", 413, id="endless length"),
        pytest.param(f"GET /{BIG} HTTP/1.1\r\n\r\n", 414, id="long target"),
        pytest.param("GET / HTTP/1.1\r\n" + "".join(f"A{n}: b\r\n" for n in range(101)) + "\r\n", 431, id="headers"),
    ],
)
def test_a_request_that_cannot_be_answered_is_refused_and_its_connection_closed(server, simulator, request_, status):
    answer = exchange(server, request_.encode("latin-1"))

    assert int(answer.split(b" ", 2)[1]) == status
    assert answer.count(b"HTTP/1.1 ") == 1
    assert simulator.count_codes() == {}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(raw=st.binary(max_size=200) | st.binary(max_size=100).map(lambda raw: b"POST /x HTTP/1.1\r\n" + raw))
def test_strange_bytes_never_stop_it(server, raw):
    with contextlib.suppress(ConnectionResetError):
        exchange(server, raw)

    assert exchange(server, b"GET /_simulator/ HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 200 OK\r\n")
