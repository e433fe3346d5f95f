"""Each fault of the platform, from a real socket, ends in its one right outcome.

The numbers in the names are those of the project's table of faults.
"""

import json
import socket
import sys
import threading
from contextlib import ExitStack

import pytest

from django_ihuyi.client.outcomes import Outcome
from tests.client.conftest import SHORT
from tests.support.misbehaving_servers import (
    ACCEPTED,
    Server,
    answer,
    closes,
    drips,
    never_ends,
    raw_listener,
    reset,
    says,
    says_and_resets,
    says_and_waits,
)

UNKNOWN = Outcome.UNKNOWN
HTML = b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>"
LOST = "connection_lost"
INVALID = "answer_invalid"


def of_code(code):
    return answer(b'{"code":%s,"msg":"x","smsid":"1616"}' % code.encode())


def of_id(smsid):
    return answer(json.dumps({"code": 2, "msg": "x", "smsid": smsid}).encode())


#: After the request has gone out: the outcome is unknown, and nothing is ever sent again.
PERHAPS_SENT = {
    "11 no byte of an answer": (says_and_waits(b""), "deadline"),
    "12 headers drip": (drips(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 1000), "deadline"),
    "12 body drips": (drips(answer(ACCEPTED * 10)), "deadline"),
    "12 chunks drip": (
        drips(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 100),
        "deadline",
    ),
    "12 endless 100 Continue": (drips(b"HTTP/1.1 100 Continue\r\n\r\n" * 100), "deadline"),
    "13 headers only": (says_and_waits(b"HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n"), "deadline"),
    "14 closed without an answer": (closes, LOST),
    "15 reset in the body": (says_and_resets(answer(ACCEPTED)[:-20]), LOST),
    "15 closed in the body": (lambda c, s: c.sendall(answer(ACCEPTED)[:-20]), LOST),
    # The document is whole, but the head promised more: nobody knows what was lost.
    "15 shorter than promised": (lambda c, s: c.sendall(answer(ACCEPTED + b" ")[:-1]), LOST),
    "15 not even HTTP": (lambda c, s: c.sendall(b"\x00\xff\x13 nonsense\r\n\r\n"), LOST),
    "15 a broken chunk": (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nxx"), LOST),
    "18 500": (says(answer(HTML, "500 Internal Server Error")), "http_status"),
    "18 502": (says(answer(HTML, "502 Bad Gateway")), "http_status"),
    "18 504": (says(answer(HTML, "504 Gateway Timeout")), "http_status"),
    "18 500 that says accepted": (says(answer(ACCEPTED, "500 Internal Server Error")), "http_status"),
    "19 503 with Retry-After": (says(answer(b"", "503 Unavailable", ["Retry-After: 1"])), "http_status"),
    "22 404": (says(answer(HTML, "404 Not Found")), "http_status"),
    "23 204": (says(b"HTTP/1.1 204 No Content\r\n\r\n"), "http_status"),
    "23 200 and empty": (says(answer(b"")), INVALID),
    "24 HTML": (says(answer(HTML, headers=["Content-Type: text/html"])), INVALID),
    "25 truncated JSON": (says(answer(ACCEPTED[:-5])), INVALID),
    "29 deep nesting": (says(answer(b"[" * 60_000)), INVALID),
    "30 code 2.0": (says(of_code("2.0")), INVALID),
    "30 code true": (says(of_code("true")), INVALID),
    "30 code null": (says(of_code("null")), INVALID),
    "30 code [2]": (says(of_code("[2]")), INVALID),
    "30 code object": (says(of_code('{"code":2}')), INVALID),
    "30 code 1e400": (says(of_code("1e400")), INVALID),
    "30 code NaN": (says(of_code("NaN")), INVALID),
    "30 code of 5,000 digits": (says(of_code("2" * 5000)), INVALID),
    "30 code twice": (says(answer(b'{"code":405,"code":2,"smsid":"1616"}')), INVALID),
    "31 no id": (says(answer(b'{"code":2,"msg":"x"}')), INVALID),
    "31 id 0": (says(of_id("0")), INVALID),
    "31 id empty": (says(of_id("")), INVALID),
    "31 id of 10 kB": (says(of_id("1" * 10_000)), INVALID),
    "31 id list": (says(of_id(["1616"])), INVALID),
    "34 64 KiB and a byte": (says(answer(ACCEPTED + b" " * (65537 - len(ACCEPTED)))), "answer_too_large"),
    "34 a head without end": (never_ends(b"HTTP/1.1 200 OK\r\n", b"X-More: yes\r\n" * 1000), LOST),
    "35 gzip unasked": (says(answer(b"\x1f\x8b" + b"\0" * 100, headers=["Content-Encoding: gzip"])), INVALID),
    "35 br unasked": (says(answer(b"\x8b\x03\x80", headers=["Content-Encoding: br"])), INVALID),
}


@pytest.mark.parametrize(("behave", "fault"), PERHAPS_SENT.values(), ids=PERHAPS_SENT)
def test_what_may_have_left_is_unknown_and_never_sent_again(behave, fault, submit):
    with Server(behave) as server:
        submission = submit(server.url(), **(SHORT if fault == "deadline" else {}))

    assert (submission.outcome, submission.fault, submission.code) == (UNKNOWN, fault, None)
    assert len(server.requests) == server.connections == 1


def with_dtd(entities, *, code=b"2", msg=b"x"):
    fields = b"<code>%s</code><msg>%s</msg><smsid>1616</smsid>" % (code, msg)
    return b'<?xml version="1.0"?><!DOCTYPE b %s><SubmitResult>%s</SubmitResult>' % (entities, fields)


LAUGHS = b'[<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;">]'
XML = {
    "25 invalid": b"<SubmitResult><code>2</code>",
    "26 DTD": with_dtd(b"[]"),
    "26 external DTD": with_dtd(b'SYSTEM "file:///etc/passwd"'),
    "26 external entity": with_dtd(b'[<!ENTITY f SYSTEM "file:///etc/hostname">]', msg=b"&f;"),
    "26 billion laughs": with_dtd(LAUGHS, msg=b"&d;"),
    "26 quadratic": with_dtd(b'[<!ENTITY a "%s">]' % (b"a" * 10_000), msg=b"&a;" * 10_000),
    "27 entity that spells 2": with_dtd(b'[<!ENTITY two "2">]', code=b"&two;"),
}


@pytest.mark.parametrize("body", XML.values(), ids=XML)
def test_xml_that_is_not_the_platforms_is_unknown(body, submit):
    with Server(says(answer(body))) as server:
        submission = submit(server.url(), format="xml")

    assert (submission.outcome, submission.fault) == (UNKNOWN, INVALID)
    assert len(server.requests) == 1


def test_34_reading_stops_at_the_cap(submit):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n"
    with Server(never_ends(head, b" " * 65536)) as server:
        submission = submit(server.url())

    assert (submission.outcome, submission.fault) == (UNKNOWN, "answer_too_large")
    # What the kernel's buffers hold is not read by us.
    assert server.bytes_sent < 20_000_000


def test_10_a_reset_while_the_request_is_being_sent_is_unknown(submit):
    def reset_early(connection, over):
        connection.recv(1)
        reset(connection)

    with raw_listener(reset_early) as port:
        submission = submit(f"http://127.0.0.1:{port}/sms.php", content="x" * 20_000_000, total_timeout=5)

    assert (submission.outcome, submission.fault) == (UNKNOWN, LOST)


def test_10_a_request_that_nobody_reads_ends_at_the_deadline(submit):
    with raw_listener(lambda connection, over: over.wait(20)) as port:
        submission = submit(f"http://127.0.0.1:{port}/sms.php", content="x" * 20_000_000, total_timeout=2)

    assert (submission.outcome, submission.fault) == (UNKNOWN, "deadline")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_21_a_redirect_is_not_followed(status, submit):
    with Server(says(answer(ACCEPTED))) as elsewhere:
        redirect = answer(b"", f"{status} Elsewhere", [f"Location: {elsewhere.url()}"])
        with Server(says(redirect)) as server:
            submission = submit(server.url())

    assert (submission.outcome, submission.fault) == (Outcome.UNSENT, "redirect")
    assert (len(server.requests), elsewhere.connections) == (1, 0)


def test_21_the_body_of_a_redirect_is_not_read(submit):
    head = b"HTTP/1.1 307 Elsewhere\r\nLocation: /sms.php\r\nContent-Length: 1000000000\r\n\r\n"
    with Server(never_ends(head, b" " * 65536)) as server:
        submission = submit(server.url())

    assert submission.fault == "redirect"
    assert server.bytes_sent < 20_000_000


def test_20_too_many_requests_is_a_refusal(submit):
    with Server(says(answer(b"", "429 Too Many Requests"))) as server:
        submission = submit(server.url())

    assert (submission.outcome, submission.fault, submission.code) == (Outcome.REFUSED, "throttled", None)
    assert len(server.requests) == 1


class Lookup:
    """A resolver whose answers are given, and which counts the questions."""

    def __init__(self, ask):
        self.ask = ask
        self.asked = 0

    def __call__(self, host, port, **options):
        self.asked += 1
        return self.ask(host, port, **options)


def test_1_a_refused_connection_is_unsent_and_tried_twice(submit):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    lookup = Lookup(socket.getaddrinfo)

    submission = submit(f"http://127.0.0.1:{port}/sms.php", lookup=lookup)

    assert (submission.outcome, submission.fault) == (Outcome.UNSENT, "connection_refused")
    assert lookup.asked == 2


@pytest.mark.parametrize("error", [socket.EAI_NONAME, socket.EAI_AGAIN], ids=["NXDOMAIN", "SERVFAIL"])
def test_2_a_name_that_is_not_found_is_unsent_and_tried_twice(error, submit):
    def fail(*_, **__):
        raise socket.gaierror(error, "not found")

    lookup = Lookup(fail)

    submission = submit("https://106.ihuyi.com/webservice/sms.php", lookup=lookup, **SHORT)

    assert (submission.outcome, submission.fault) == (Outcome.UNSENT, "name_not_found")
    assert lookup.asked == 2


def test_3_hanging_lookup_is_unsent_and_shared_by_all_callers(submit):
    revived = threading.Event()

    def hang(*_, **__):
        revived.wait(20)
        raise socket.gaierror(socket.EAI_AGAIN, "too late")

    lookup = Lookup(hang)
    with ExitStack() as stack:
        stack.callback(revived.set)
        submission = submit("https://106.ihuyi.com/webservice/sms.php", lookup=lookup, **SHORT)

    assert (submission.outcome, submission.fault) == (Outcome.UNSENT, "name_timeout")
    assert lookup.asked == 1


if sys.platform == "linux":  # Other systems refuse what they have no room for.

    def test_4_a_connection_that_nobody_answers_is_unsent(submit):
        with ExitStack() as stack:
            # Once this queue is full, further attempts to connect get no answer.
            full = stack.enter_context(socket.socket())
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            for _ in range(3):
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(full.getsockname())
            submission = submit(f"http://127.0.0.1:{full.getsockname()[1]}/sms.php", connect_timeout=0.3)

        assert (submission.outcome, submission.fault) == (Outcome.UNSENT, "connect_timeout")
        # Two tries of 0.3 s each.
        assert submission.elapsed > 0.55


def test_a_retry_that_succeeds_is_accepted(submit):
    with Server(says(answer(ACCEPTED))) as server:
        places = iter([[], socket.getaddrinfo("127.0.0.1", server.port, type=socket.SOCK_STREAM)])

        submission = submit(server.url(host="localhost"), lookup=lambda *_, **__: next(places))

    assert submission.outcome is Outcome.ACCEPTED
    assert len(server.requests) == 1


def test_a_dead_address_does_not_use_up_the_time_of_a_live_one(submit):
    with Server(says(answer(ACCEPTED))) as server, socket.create_server(("127.0.0.1", 0)) as closed:
        dead = closed.getsockname()
        closed.close()
        live = ("127.0.0.1", server.port)
        places = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place) for place in (dead, live)]

        submission = submit(server.url(host="localhost"), lookup=lambda *_, **__: places)

    assert submission.outcome is Outcome.ACCEPTED


@pytest.mark.proof
@pytest.mark.timed
@pytest.mark.parametrize("behave", [behave for behave, fault in PERHAPS_SENT.values() if fault == "deadline"])
def test_call_ends_at_its_deadline_if_the_answer_hangs(behave, submit):
    with Server(behave) as server:
        submission = submit(server.url(), total_timeout=0.8)

    assert submission.elapsed <= 0.8 + 0.7


@pytest.mark.proof
@pytest.mark.timed
@pytest.mark.parametrize("behave", [says_and_waits(b""), drips(answer(b" " * 60_000))], ids=["silence", "drip"])
def test_the_longest_call_takes_8_seconds(behave, submit, figure, request):
    with Server(behave) as server:
        submission = submit(server.url(), connect_timeout=3.0, total_timeout=8.0)

    figure(f"F8 longest call, {request.node.callspec.id}", f"{submission.elapsed:.2f} s (at most 8.0)")
    assert submission.fault == "deadline"
    assert 7.5 < submission.elapsed <= 8.0
