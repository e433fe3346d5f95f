"""Every fault can be ordered, does what it says on a real socket, and takes the message or not."""

import gzip
import json
import time

import pytest

from django_ihuyi.simulator import Simulator
from django_ihuyi.simulator.faults import FAULTS
from django_ihuyi.simulator.server import serving
from tests.support.raw_sockets import connect, write_post
from tests.support.simulator_calls import MOBILE, Caller, make_form, read_code

JSON_FORM = make_form(format="json")
ENOUGH = 200_000
IN_PROCESS = [name for name, fault in FAULTS.items() if not fault.needs_socket]
ON_WIRE = [name for name, fault in FAULTS.items() if fault.needs_socket]


def head_and_body(data):
    head, _, body = data.partition(b"\r\n\r\n")
    return head.decode(), body


def receive(connection):
    """Return what comes until the other side closes, and how it closed."""
    data = b""
    try:
        while chunk := connection.recv(65_536):
            data += chunk
            if len(data) > ENOUGH:
                return data, "enough"
    except ConnectionResetError:
        return data, "reset"
    except TimeoutError:
        return data, "silence"
    return data, "closed"


def meet(server, fault, form=JSON_FORM, *, timeout=60, taken=True):
    """Order a fault, send a form, and return what comes back, until nothing came for `timeout` seconds."""
    simulator = server.app.simulator
    simulator.break_down(fault, times=1, taken=taken)
    with connect(server) as connection:
        connection.sendall(write_post(form, more="Connection: close\r\n"))
        await_requests(simulator, 1)
        connection.settimeout(timeout)
        return receive(connection)


def await_requests(simulator, number):
    """Wait until so many were taken: a busy machine may need longer for that than silence is waited for."""
    deadline = time.monotonic() + 60
    while len(simulator.journal()) < number:
        assert time.monotonic() < deadline, "the request was never taken"
        time.sleep(0.005)


def answer(platform, fault, **form):
    """Order a fault in process, and return status, headers and body."""
    assert platform.order("faults", {"fault": fault, "times": 1})[0] == 200
    path = "/sms/Submit.json" if form.pop("as_json", True) else "/webservice/sms.php"
    body = "&".join(f"{name}={value}" for name, value in make_form(**form).items()).encode()
    content_type = "application/x-www-form-urlencoded"
    return platform.request("POST", path, query="method=Submit", content_type=content_type, body=body)


@pytest.mark.parametrize("taken", [True, False], ids=["taken", "not taken"])
@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_takes_the_message_or_does_not(server, simulator, fault, taken):
    data, _ = meet(server, fault, timeout=0.2, taken=taken)

    assert [message.mobile for message in simulator.messages()] == [MOBILE] * taken
    entry = simulator.journal()[0]
    assert (entry.code, entry.fault) == (2 if taken else None, fault)
    assert data != Caller(simulator).post(JSON_FORM)


@pytest.mark.parametrize(
    ("fault", "end", "timeout"),
    [("reset", "reset", 60), ("close", "closed", 60), ("no_answer", "silence", 1)],
)
def test_a_fault_without_an_answer_sends_nothing(server, fault, end, timeout):
    assert meet(server, fault, timeout=timeout) == (b"", end)


def test_the_head_comes_without_its_body(server):
    data, end = meet(server, "head_only", timeout=1)

    head, body = head_and_body(data)
    assert ("200 OK" in head, "Content-Length: " in head, body, end) == (True, True, b"", "silence")


@pytest.mark.parametrize(("fault", "end"), [("truncated", "closed"), ("reset_in_body", "reset")])
def test_the_body_ends_in_the_middle(server, fault, end):
    data, ended = meet(server, fault)

    assert ended == end
    assert b"\r\n\r\n" in data or end == "reset"  # a reset may overtake what was sent
    assert not data.endswith(b"}")


def test_drip_sends_one_byte_at_a_time(server):
    data, end = meet(server, "drip", timeout=0.5)

    assert (data, end) == (b"H", "silence")


def test_an_endless_body_ends_when_the_client_closes(server, simulator):
    data, end = meet(server, "endless")

    assert (b"Content-Length: 1073741824" in data, end) == (True, "enough")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 301, 302, 303, 307, 308])
def test_a_status_comes_with_a_page(platform, status):
    got, headers, body = answer(platform, f"http_{status}")

    assert (got, headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert str(status).encode() in body
    assert ("Retry-After" in headers, "Location" in headers) == (status in (429, 503), status in range(300, 400))


def test_a_followed_redirect_is_in_the_journal(platform):
    location = answer(platform, "http_307")[1]["Location"]
    platform.request("POST", location)

    assert platform.simulator.journal()[0].path == "/redirected"


@pytest.mark.parametrize(("fault", "status"), [("http_204", 204), ("empty", 200)])
def test_an_answer_is_empty(platform, fault, status):
    assert answer(platform, fault)[::2] == (status, b"")


def test_an_answer_is_too_long(platform):
    body = answer(platform, "oversize")[2]

    assert len(body) == 65_537
    assert json.loads(body)["code"] == 2


@pytest.mark.parametrize(("fault", "length"), [("gzip", None), ("gzip_bomb", 50_000_000)])
def test_an_answer_is_compressed_unasked(platform, fault, length):
    _, headers, body = answer(platform, fault)

    assert headers["Content-Encoding"] == "gzip"
    plain = gzip.decompress(body)
    assert len(plain) == length or json.loads(plain)["code"] == 2
    assert len(body) < 65_536


@pytest.mark.parametrize(
    ("fault", "start"),
    [
        ("code_text", '{"code":"2","'),
        ("code_float", '{"code":2.0,"'),
        ("code_true", '{"code":true,"'),
        ("code_null", '{"code":null,"'),
        ("code_list", '{"code":[2],"'),
        ("code_object", '{"code":{"code":2},"'),
        ("code_infinite", '{"code":1e400,"'),
        ("code_nan", '{"code":NaN,"'),
        ("code_huge", '{"code":2222222222'),
        ("deep_json", '{"code":[[[[[[[['),
        ("repeated_code", '{"code":0,"code":2,"'),
    ],
)
def test_a_result_code_is_no_integer(platform, fault, start):
    _, headers, body = answer(platform, fault)

    assert body.decode().startswith(start)
    assert headers["Content-Type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    ("fault", "smsid"),
    [("id_zero", "0"), ("id_empty", ""), ("id_long", "1" * 10_240), ("id_list", ["1"]), ("no_id", None)],
)
def test_an_id_is_invalid_in_json(platform, fault, smsid):
    body = json.loads(answer(platform, fault)[2])

    assert (body["code"], body.get("smsid")) == (2, smsid)


@pytest.mark.parametrize(("fault", "end"), [("id_zero", "<smsid>0</smsid>"), ("no_id", "<msg>提交成功</msg>")])
def test_an_id_is_invalid_in_xml(platform, fault, end):
    assert answer(platform, fault, as_json=False)[2].decode().endswith(f"{end}\n</SubmitResult>\n")


@pytest.mark.parametrize(
    ("fault", "part"),
    [
        ("invalid_xml", "<code>2<msg></SubmitResult>"),
        ("dtd", "<!DOCTYPE SubmitResult [<!ELEMENT code (#PCDATA)>]>"),
        ("external_entity", '[<!ENTITY x SYSTEM "file:///etc/hostname">]>'),
        ("entity_code", "<code>&two;</code>"),
        ("entity_bomb", "<code>&l9;</code>"),
        ("entity_square", "<code>&x;&x;&x;"),
    ],
)
def test_a_fault_answers_with_hostile_xml(platform, fault, part):
    _, headers, body = answer(platform, fault)

    assert part in body.decode()
    assert headers["Content-Type"] == "text/xml; charset=utf-8"


def test_json_ends_in_the_middle(platform):
    body = answer(platform, "truncated_json")[2]

    with pytest.raises(ValueError, match=r"Unterminated|delimiter|Expecting"):
        json.loads(body)


def test_a_fault_is_for_its_number_and_its_number_of_times(platform):
    platform.order("faults", {"fault": "empty", "mobile": MOBILE, "times": 2})

    bodies = [platform.post({**JSON_FORM, "mobile": mobile}) for mobile in (MOBILE, "13900139000", MOBILE, MOBILE)]
    assert [read_code(body) if body else None for body in bodies] == [None, 2, None, 4080]


def test_a_fault_ends_with_null_or_a_reset(platform):
    for end in (lambda: platform.order("faults", {"fault": None}), lambda: platform.order("reset", None)):
        platform.order("faults", {"fault": "empty"})
        end()
        assert read_code(platform.post({**JSON_FORM, "mobile": "13900139000"})) in {2, 4080}


def test_a_fault_applies_to_a_balance_request(platform):
    platform.order("faults", {"fault": "code_text"})

    assert platform.post(JSON_FORM, query="method=GetNum") == '{"code":"2","msg":"查询成功","num":10000000}'.encode()


@pytest.mark.parametrize("fault", ON_WIRE)
def test_a_wire_fault_is_refused_in_process(platform, fault):
    status, said = platform.order("faults", {"fault": fault})

    assert status == 400
    assert "its own server" in said["error"]


@pytest.mark.parametrize("fault", ON_WIRE)
def test_a_wire_fault_waits_for_a_socket(simulator, fault):
    simulator.break_down(fault, times=1)

    assert Caller(simulator).send() == 2
    with serving(simulator) as server, connect(server) as connection:
        connection.sendall(write_post({**JSON_FORM, "mobile": "13900139000"}))
        await_requests(simulator, 2)
    assert simulator.journal()[0].fault == fault


@pytest.mark.parametrize("fault", IN_PROCESS)
def test_other_faults_work_in_process(platform, fault):
    assert answer(platform, fault)[0] in {200, 204, 301, 302, 303, 307, 308, 429, 500, 502, 503, 504}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_can_be_ordered_over_http_from_the_server(server, fault):
    body = json.dumps({"fault": fault})
    request = f"POST /_simulator/faults HTTP/1.1\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
    with connect(server) as connection:
        connection.sendall(request.encode())
        assert receive(connection)[0].startswith(b"HTTP/1.1 200")


def test_all_faults_are_listed_with_their_meaning(platform):
    listed = platform.look("faults")

    assert {fault["fault"] for fault in listed} == set(FAULTS)
    assert all(fault["meaning"] for fault in listed)


@pytest.mark.parametrize(
    "data",
    [None, {}, {"fault": "fire"}, {"fault": ["empty"]}, {"fault": "empty", "taken": 1}, {"fault": "empty", "times": 0}],
    ids=repr,
)
def test_an_invalid_order_is_refused(platform, data):
    assert platform.order("faults", data)[0] == 400
    assert platform.send() == 2


def test_an_unknown_fault_is_refused_in_python():
    with pytest.raises(ValueError, match="there is no fault"):
        Simulator().break_down("fire")
