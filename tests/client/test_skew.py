"""A machine whose clock is wrong still sends: the platform's own answers tell the time."""

import itertools
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from urllib.parse import parse_qs

import pytest

from django_ihuyi.client.exchange import PlatformClock, read_date
from django_ihuyi.client.outcomes import Outcome
from django_ihuyi.simulator import Simulator
from django_ihuyi.simulator.server import serving
from tests.client.conftest import API_KEY, CONTENT, MOBILE
from tests.support.misbehaving_servers import ACCEPTED, KEEP_ALIVE, Server, answer

EXPIRED = '{"code":40501,"msg":"动态密码已过期","smsid":"0"}'.encode()
BALANCE = '{"code":2,"msg":"查询成功","num":7}'.encode()
HOUR = 3600


def judges_time(*, tolerance=30, date=formatdate, accepted=ACCEPTED):
    """Behave as a platform whose clock is right, and whose answers bear the date that `date` makes of the time."""

    def behave(connection, server):
        age = time.time() - told_times(server)[-1]
        body = accepted if abs(age) <= tolerance else EXPIRED
        header = date(time.time(), usegmt=True)
        connection.sendall(answer(body, headers=[f"Date: {header}"] if header is not None else []))
        return KEEP_ALIVE

    return behave


def told_times(server):
    return [int(parse_qs(request.partition(b"\r\n\r\n")[2].decode())["time"][0]) for request in server.requests]


def off_by(seconds):
    return lambda: time.time() + seconds


def submit(client):
    return client.submit(mobile=MOBILE, content=CONTENT)


@pytest.mark.parametrize("skew", [-HOUR, HOUR, -120, 120], ids="{:+} s".format)
def test_a_refused_time_is_corrected_and_tried_once_more(skew, make_client):
    with Server(judges_time()) as server:
        client = make_client(server.url(), clock=off_by(skew))
        first, second = submit(client), submit(client)

    assert [first.outcome, second.outcome] == [Outcome.ACCEPTED] * 2
    # The first call took two requests; what it learned is kept, so the second one took one.
    assert [round((told - time.time()) / 60) for told in told_times(server)] == [round(skew / 60), 0, 0]


@pytest.mark.parametrize("skew", [-HOUR, HOUR], ids="{:+} s".format)
def test_balance_corrects_the_clock_too(skew, make_client):
    with Server(judges_time(accepted=BALANCE)) as server:
        balance = make_client(server.url(), clock=off_by(skew)).get_balance()

    assert (balance.outcome, balance.units, len(server.requests)) == (Outcome.ACCEPTED, 7, 2)


NO_HELP = {
    "absent": lambda now, **_: None,
    "empty": lambda now, **_: "",
    "garbage": lambda now, **_: "yesterday",
    "1970": lambda now, **_: formatdate(0, usegmt=True),
    "not in GMT": lambda now, **_: formatdate(now),
    "no such day": lambda now, **_: "Mon, 31 Feb 2026 00:00:00 GMT",
    "long": lambda now, **_: "Mon, " * 10_000,
    # It refuses a time that its own clock confirms: another try would be told the same.
    "as ours": lambda now, **_: formatdate(now - HOUR, usegmt=True),
    "30 s off ours": lambda now, **_: formatdate(now - HOUR + 28, usegmt=True),
}


@pytest.mark.parametrize("date", NO_HELP.values(), ids=NO_HELP)
def test_refused_time_is_not_tried_again_without_a_usable_date(date, make_client, caplog):
    with Server(judges_time(date=date)) as server:
        submission = submit(make_client(server.url(), clock=off_by(-HOUR)))

    assert (submission.outcome, submission.code, submission.fault) == (Outcome.REFUSED, 40501, "clock_skew")
    assert len(server.requests) == 1
    assert "clock" not in caplog.text


def test_a_time_that_is_refused_twice_is_refused(make_client):
    with Server(judges_time(tolerance=-1)) as server:
        submission = submit(make_client(server.url(), clock=off_by(HOUR)))

    assert (submission.outcome, submission.code, submission.text) == (Outcome.REFUSED, 40501, "动态密码已过期")
    assert submission.fault == "clock_skew"
    assert len(server.requests) == 2


def test_time_is_corrected_only_once_in_a_call(make_client):
    hours = itertools.count()

    def jump(now, **options):
        return formatdate(now + HOUR * next(hours), **options)

    with Server(judges_time(tolerance=-1, date=jump)) as server:
        submission = submit(make_client(server.url(), clock=off_by(-HOUR)))

    assert (submission.outcome, submission.code, submission.fault) == (Outcome.REFUSED, 40501, "clock_skew")
    assert len(server.requests) == 2


@pytest.mark.parametrize("options", [{"dynamic_password": False}, {"format": "xml"}], ids=str)
def test_static_password_or_unreadable_answer_is_not_tried_again(options, make_client):
    head = [f"Date: {formatdate(usegmt=True)}"]
    with Server(lambda connection, server: connection.sendall(answer(EXPIRED, headers=head))) as server:
        submit(make_client(server.url(), clock=off_by(HOUR), **options))

    assert len(server.requests) == 1


def test_a_second_try_that_is_lost_is_unknown(make_client):
    def behave(connection, server):
        if len(server.requests) == 1:
            return judges_time()(connection, server)
        return None

    with Server(behave) as server:
        submission = submit(make_client(server.url(), clock=off_by(HOUR)))

    assert (submission.outcome, submission.fault, len(server.requests)) == (
        Outcome.UNKNOWN,
        "connection_lost",
        2,
    )


def test_a_clock_that_is_set_right_later_is_followed(make_client):
    skews = iter([HOUR] * 4 + [0] * 8)
    with Server(judges_time()) as server:
        client = make_client(server.url(), clock=lambda: time.time() + next(skews, 0))
        outcomes = {submit(client).outcome for _ in range(8)}

    assert outcomes == {Outcome.ACCEPTED}
    # Once when it was wrong, once when it was right again.
    assert len(server.requests) == 10


def test_clock_warning_is_logged_once_without_secrets(make_client, caplog):
    # The simulator judges each request by its own time; a server of one behaviour sees only the latest.
    with serving(Simulator(time_tolerance=30, limits=False)) as server:
        client = make_client(f"{server.url}/webservice/sms.php", clock=off_by(HOUR))
        with ThreadPoolExecutor(8) as threads:
            outcomes = {submission.outcome for submission in threads.map(lambda _: submit(client), range(40))}

    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert outcomes == {Outcome.ACCEPTED}
    assert len(warnings) == 1
    assert "-3600 seconds" in warnings[0] or "-3599 seconds" in warnings[0] or "-3601 seconds" in warnings[0]
    assert [secret for secret in (API_KEY, MOBILE, "480917") if secret in warnings[0]] == []


@pytest.mark.parametrize(("skew", "requests"), [(-HOUR, 2), (HOUR, 2), (-120, 1), (120, 1)])
def test_the_simulators_own_tolerance_decides_there(skew, requests, make_client):
    simulator = Simulator(time_tolerance=300)
    with serving(simulator) as server:
        submission = submit(make_client(f"{server.url}/webservice/sms.php", clock=off_by(skew)))

    assert submission.outcome is Outcome.ACCEPTED
    assert len(simulator.journal()) == requests
    assert len(simulator.messages(MOBILE)) == 1


@pytest.mark.proof
@pytest.mark.timed
def test_both_tries_have_one_deadline_together(make_client):
    def behave(connection, server):
        if len(server.requests) == 1:
            server.over.wait(0.4)
            return judges_time()(connection, server)
        server.over.wait(10)
        return None

    with Server(behave) as server:
        submission = submit(make_client(server.url(), clock=off_by(HOUR), total_timeout=0.8))

    assert (submission.outcome, submission.fault) == (Outcome.UNKNOWN, "deadline")
    assert submission.elapsed <= 0.8 + 0.7


@pytest.mark.proof
@pytest.mark.timed
def test_a_corrected_call_takes_8_seconds_at_the_longest(make_client, figure):
    def behave(connection, server):
        if len(server.requests) == 1:
            server.over.wait(4)
            return judges_time()(connection, server)
        server.over.wait(20)
        return None

    with Server(behave) as server:
        submission = submit(make_client(server.url(), clock=off_by(HOUR), connect_timeout=3.0, total_timeout=8.0))

    figure("F8 longest call, with a corrected clock", f"{submission.elapsed:.2f} s (at most 8.0)")
    assert submission.fault == "deadline"
    assert 7.5 < submission.elapsed <= 8.0


def test_a_date_is_read_as_servers_write_it():
    assert read_date("Tue, 24 Nov 2026 04:00:00 GMT") == 1_795_492_800


def test_clock_learns_only_from_a_difference_over_30_seconds():
    clock = PlatformClock(lambda: 1_795_492_800.9)

    assert not clock.learn("Tue, 24 Nov 2026 04:00:30 GMT", told=clock.now())
    assert clock.now() == 1_795_492_800
    assert clock.learn("Tue, 24 Nov 2026 04:00:31 GMT", told=clock.now())
    assert clock.now() == 1_795_492_831
