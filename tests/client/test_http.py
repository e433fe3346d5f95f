"""The client on a wire that works: what it sends, what it makes of the answer, which connections it uses."""

import logging
import os
import pickle
import signal
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, quote

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter

from django_ihuyi.client.http import Client
from django_ihuyi.client.outcomes import Balance, Outcome, Submission
from tests.client.conftest import ACCOUNT, API_KEY, CONTENT, MOBILE
from tests.support.misbehaving_servers import ACCEPTED, KEEP_ALIVE, Server, answer, says

XML = (
    '<?xml version="1.0" encoding="utf-8"?>\n<SubmitResult xmlns="http://106.ihuyi.com/">\n'
    "<code>2</code>\n<msg>提交成功</msg>\n<smsid>16165686731585006595</smsid>\n</SubmitResult>\n"
).encode()


@pytest.fixture
def server():
    with Server(says(answer(ACCEPTED))) as server:
        yield server


def sent(server):
    """The request line and the form of the only request."""
    [request] = server.requests
    head, _, body = request.partition(b"\r\n\r\n")
    assert b"\r\nContent-Type: application/x-www-form-urlencoded\r\n" in head
    assert b"\r\nAccept-Encoding: identity\r\n" in head
    return head.split(b"\r\n")[0].decode(), {name: values[0] for name, values in parse_qs(body.decode()).items()}


def test_a_message_is_posted_with_a_dynamic_password(make_client, server):
    client = make_client(server.url(), clock=lambda: 1700000000.9)

    submission = client.submit(mobile=MOBILE, content="您的验证码是：1234。请不要把验证码泄露给其他人。")

    assert submission == Submission(
        outcome=Outcome.ACCEPTED,
        code=2,
        text="提交成功",
        platform_id="16165686731585006595",
        elapsed=submission.elapsed,
    )
    assert sent(server) == (
        "POST /webservice/sms.php?method=Submit HTTP/1.1",
        {
            "account": ACCOUNT,
            "password": "00be36938d2a19bf87b6ca4353680888",
            "mobile": MOBILE,
            "content": "您的验证码是：1234。请不要把验证码泄露给其他人。",
            "time": "1700000000",
            "format": "json",
        },
    )


def test_the_key_itself_is_sent_only_if_asked_for(make_client, server):
    make_client(server.url(), dynamic_password=False).submit(mobile=MOBILE, content="1234", template_id="1")

    assert sent(server)[1] == {
        "account": ACCOUNT,
        "password": API_KEY,
        "mobile": MOBILE,
        "content": "1234",
        "templateid": "1",
        "format": "json",
    }


def test_xml_is_understood(make_client):
    with Server(says(answer(XML))) as server:
        submission = make_client(server.url(), format="xml").submit(mobile=MOBILE, content=CONTENT)

    assert (submission.outcome, submission.platform_id) == (Outcome.ACCEPTED, "16165686731585006595")
    assert sent(server)[1]["format"] == "xml"


def test_the_second_version_has_the_method_in_its_path(make_client, server):
    submission = make_client(server.url("/sms/Submit.json"), format="xml").submit(mobile=MOBILE, content=CONTENT)

    line, form = sent(server)
    assert submission.outcome is Outcome.ACCEPTED
    assert line == "POST /sms/Submit.json HTTP/1.1"
    assert "format" not in form


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("/webservice/sms.php", "POST /webservice/sms.php?method=GetNum HTTP/1.1"),
        ("/webservice/sms.php?method=Submit", "POST /webservice/sms.php?method=GetNum HTTP/1.1"),
        ("/sms/Submit.json", "POST /sms/GetNum.json HTTP/1.1"),
    ],
)
def test_a_balance_is_asked_for(path, line, make_client):
    with Server(says(answer('{"code":2,"msg":"查询成功","num":7}'.encode()))) as server:
        balance = make_client(server.url(path)).get_balance()

    assert balance == Balance(outcome=Outcome.ACCEPTED, code=2, text="查询成功", elapsed=balance.elapsed, units=7)
    assert sent(server)[0] == line


def test_failed_balance_has_a_fault_or_a_code(make_client):
    with Server(says(answer(b"nonsense"))) as server:
        unknown = make_client(server.url()).get_balance()
    with Server(says(answer(b'{"code":405,"msg":"no"}'))) as server:
        refused = make_client(server.url()).get_balance()

    assert (unknown.outcome, unknown.fault, unknown.units) == (Outcome.UNKNOWN, "answer_invalid", None)
    assert (refused.outcome, refused.code, refused.units) == (Outcome.REFUSED, 405, None)


def test_a_refusal_keeps_the_platforms_code_and_words(make_client):
    with Server(says(answer('{"code":"4085","msg":"超出【5】条","smsid":"0"}'.encode()))) as server:
        submission = make_client(server.url()).submit(mobile=MOBILE, content=CONTENT)

    assert submission == Submission(outcome=Outcome.REFUSED, code=4085, text="超出【5】条", elapsed=submission.elapsed)


def test_what_the_platform_echoes_is_blanked(submit):
    def echo(connection, server):
        form = parse_qs(server.requests[-1].partition(b"\r\n\r\n")[2].decode())
        secrets = [form["mobile"][0], "480917", form["password"][0], form["content"][0], API_KEY]
        text = " ".join(secrets) + "\\u001b[2J\\ud800\\u2028"
        connection.sendall(answer(f'{{"code":4072,"msg":"{text}"}}'.encode()))

    with Server(echo) as server:
        submission = submit(server.url())

    assert submission.text == "*** *** *** *** ***\\x1b[2J\\ud800\\u2028"


def test_a_chunked_answer_is_read(submit):
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(ACCEPTED), ACCEPTED)
    with Server(says(chunked)) as server:
        assert submit(server.url()).outcome is Outcome.ACCEPTED


def test_an_answer_that_ends_with_the_connection_is_read(submit):
    with Server(lambda connection, server: connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + ACCEPTED)) as server:
        assert submit(server.url()).outcome is Outcome.ACCEPTED


def test_the_key_is_in_no_repr(make_client):
    client = make_client("http://127.0.0.1/sms.php")

    assert repr(client) == f"<Client {ACCOUNT} at http://127.0.0.1/sms.php>"
    assert API_KEY not in str(client)


def test_a_client_is_not_pickled(make_client):
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(make_client("http://127.0.0.1/sms.php"))


@pytest.mark.parametrize("data", [answer(ACCEPTED), answer(b"nonsense"), answer(b"", "500 Oops"), b""], ids=range(4))
def test_no_secret_is_logged(data, submit, caplog):
    caplog.set_level(logging.DEBUG)
    with Server(lambda connection, server: connection.sendall(data)) as server:
        submit(server.url(), dynamic_password=False)

    assert "urllib3" in {record.name.partition(".")[0] for record in caplog.records}
    assert [secret for secret in (API_KEY, ACCOUNT, MOBILE, "480917", quote(CONTENT)) if secret in caplog.text] == []


@pytest.mark.parametrize(
    "options",
    [
        {"account": ""},
        {"api_key": ""},
        {"format": "html"},
        {"verify": False},
        {"verify": ""},
        {"url": "http://106.ihuyi.com/webservice/sms.php"},
        {"url": "https://evil.example/sms.php"},
    ],
    ids=str,
)
def test_a_client_that_would_not_be_safe_is_not_made(options):
    with pytest.raises(ValueError, match=r".{20}") as caught:
        Client(**{"account": ACCOUNT, "api_key": API_KEY, **options})

    assert API_KEY not in str(caught.value)


def test_the_surroundings_are_ignored(submit, server, monkeypatch, tmp_path):
    with Server(says(answer(ACCEPTED))) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url(""))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
        (tmp_path / ".netrc").write_text("machine 127.0.0.1 login eve password secret")
        monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
        submission = submit(server.url())

    assert submission.outcome is Outcome.ACCEPTED
    assert proxy.connections == 0
    assert b"Authorization" not in server.requests[0]


def test_no_cookie_is_kept(make_client):
    with Server(says(answer(ACCEPTED, headers=["Set-Cookie: a=b"]))) as server:
        client = make_client(server.url())
        client.submit(mobile=MOBILE, content=CONTENT)
        client.submit(mobile=MOBILE, content=CONTENT)

    assert not [request for request in server.requests if b"Cookie" in request]


def test_a_connection_is_used_again(make_client, server):
    client = make_client(server.url())
    for _ in range(5):
        client.submit(mobile=MOBILE, content=CONTENT)

    assert (len(server.requests), server.connections) == (5, 1)


def test_a_connection_that_was_idle_for_two_seconds_is_not_used_again(make_client, server):
    client = make_client(server.url())
    client.submit(mobile=MOBILE, content=CONTENT)
    server.over.wait(2.05)
    client.submit(mobile=MOBILE, content=CONTENT)

    assert (len(server.requests), server.connections) == (2, 2)


def test_a_connection_that_the_platform_closed_is_not_used_again(make_client):
    with Server(lambda connection, server: connection.sendall(answer(ACCEPTED))) as server:
        client = make_client(server.url())
        first = client.submit(mobile=MOBILE, content=CONTENT)
        for thread in server.threads[1:]:
            thread.join()
        second = client.submit(mobile=MOBILE, content=CONTENT)

    assert [first.outcome, second.outcome] == [Outcome.ACCEPTED] * 2
    assert server.connections == 2


def test_a_late_answer_is_never_taken_for_that_of_the_next_message(make_client):
    late = threading.Event()

    def first_late(connection, server):
        if len(server.requests) == 1:
            late.wait(60)
        connection.sendall(answer(ACCEPTED.replace(b"16165686731585006595", b"%d" % len(server.requests))))
        return KEEP_ALIVE

    with Server(first_late) as server:
        client = make_client(server.url(), total_timeout=0.3)
        first = client.submit(mobile=MOBILE, content=CONTENT)
        late.set()
        second = client.submit(mobile=MOBILE, content=CONTENT)

    assert (first.outcome, second.outcome, second.platform_id) == (Outcome.UNKNOWN, Outcome.ACCEPTED, "2")


def test_threads_share_a_client_with_no_more_connections_than_threads(make_client, server):
    client = make_client(server.url(), total_timeout=8)
    with ThreadPoolExecutor(8) as threads:
        submissions = list(threads.map(lambda _: client.submit(mobile=MOBILE, content=CONTENT), range(200)))

    assert {submission.outcome for submission in submissions} == {Outcome.ACCEPTED}
    assert len(server.requests) == 200
    assert server.connections <= 8


MAKE_CLIENT = """
import os, signal, sys
from django_ihuyi.client.http import Client
client = Client(account="C1", api_key="k", url=sys.argv[1], allow_loopback=True)
def submit():
    return client.submit(mobile="13800138000", content="1234").outcome.value
"""
FORK = """
submit()
child = os.fork()
outcome = submit()
if child:
    os.waitpid(child, 0)
    submit()
print(outcome)
"""
STOP = """
signal.signal(signal.SIGTERM, lambda *_: print("stop"))
print(submit())
"""


def run(script, server):
    command = [sys.executable, "-u", "-c", MAKE_CLIENT + script, server.url()]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


if os.name == "posix":  # Windows has neither forks nor a signal that asks a process to stop.

    def test_a_fork_gets_connections_of_its_own(server):
        output, _ = run(FORK, server).communicate(timeout=60)

        assert output == "accepted\naccepted\n"
        assert (len(server.requests), server.connections) == (4, 2)

    def test_40_a_graceful_stop_lets_the_call_finish():
        begun = threading.Event()
        stopped = threading.Event()

        def wait(connection, server):
            begun.set()
            stopped.wait(60)
            connection.sendall(answer(ACCEPTED))

        with Server(wait) as server:
            child = run(STOP, server)
            begun.wait(60)
            child.send_signal(signal.SIGTERM)
            told = child.stdout.readline()
            stopped.set()
            output, _ = child.communicate(timeout=60)

        assert (child.returncode, told, output) == (0, "stop\n", "accepted\n")


class Broken(HTTPAdapter):
    def send(self, request, **options):
        raise requests.ConnectionError("the request carries the password", request=request)


def test_failure_of_a_foreign_adapter_is_unknown(make_client):
    submission = make_client("http://anywhere.invalid/sms.php", adapter=Broken()).submit(mobile=MOBILE, content="1234")

    assert (submission.outcome, submission.fault) == (Outcome.UNKNOWN, "connection_lost")


def test_a_foreign_adapter_gets_time_outs_that_it_knows(make_client, server):
    submission = make_client(server.url(), adapter=HTTPAdapter()).submit(mobile=MOBILE, content="1234")

    assert submission.outcome is Outcome.ACCEPTED


HEAD_LINES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 \xb2\xb20",
        b"HTTP/9.9 200",
        b"Content-Length: 5",
        b"Content-Length: -1",
        b"Content-Length: \xb2",
        b"Transfer-Encoding: chunked",
        b"Transfer-Encoding: gzip, chunked",
        b"Content-Encoding: gzip",
        b"Set-Cookie: a=\xff; expires=never; max-age=x",
        b"Connection: close, keep-alive",
        b"Location: http://[",
        b": no name",
        b" folded",
        b"\xff\xfe",
        b"fffffffffffffffffffff",
        b"",
    ]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(HEAD_LINES | st.binary(max_size=10), max_size=6), tail=st.binary(max_size=20))
def test_client_raises_nothing_for_any_bytes_on_the_wire(lines, tail, submit):
    with Server(lambda connection, server: connection.sendall(b"\r\n".join([*lines, tail]))) as server:
        submission = submit(server.url(), total_timeout=5)

    assert submission.outcome in (Outcome.UNKNOWN, Outcome.UNSENT)
    assert submission.fault
    assert len(server.requests) == 1


@pytest.mark.proof
@pytest.mark.timed
def test_the_client_is_as_fast_as_a_bare_session(make_client, server, figure):
    client = make_client(server.url(), total_timeout=8)
    session = requests.Session()
    form = {"account": ACCOUNT, "password": API_KEY, "mobile": MOBILE, "content": CONTENT, "format": "json"}
    calls = {
        "bare": lambda: session.post(server.url() + "?method=Submit", data=form, timeout=8).json(),
        "client": lambda: client.submit(mobile=MOBILE, content=CONTENT),
    }
    # In turns, so that what disturbs the machine disturbs both.
    rounds = [{name: rate(call) for name, call in calls.items()} for _ in range(9)]
    session.close()

    ratio = statistics.median(rates["client"] / rates["bare"] for rates in rounds)
    figure("client beside a bare session.post", f"{ratio:.2f} (median of 9 rounds)")
    assert ratio >= 0.9


def rate(call, *, count=200):
    started = time.perf_counter()
    for _ in range(count):
        call()
    return count / (time.perf_counter() - started)
