"""What the site stands on is taken away under load, and given back: the database, the cache, the queue's broker.

The platform is taken away in test_platform_down.py, a queue that hangs in test_dispatchers.py, the captcha in
tests/guards/captchas. PROOF_OUTAGE_SECONDS makes the outages of the database longer.
"""

import os
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection

from django_ihuyi.models import Message
from tests.conftest import url_of
from tests.proofs.support.mixed_traffic import WELL, WRONG, Outage, Traffic, is_good_or_503
from tests.proofs.support.platform_pushes import SECRET
from tests.proofs.support.queued_sites import Queue, finish, wait_until
from tests.proofs.support.site_client import budgets, new_phone, send
from tests.proofs.support.steady_load import Load
from tests.proofs.support.stoppable_services import DatabaseFile, running_server

pytestmark = pytest.mark.proof

BEFORE, SHORT, AFTER = 2, 5, 2
DURING = float(os.environ.get("PROOF_OUTAGE_SECONDS", SHORT))
#: The longest that the example's options let a request wait for its database, so that it is seen giving up.
GIVES_UP = 6
REVIVAL = 5
#: How long a server that was killed may take to get up while somebody still has codes to guess.
LONGEST_START = 5
#: Of a busy machine with two cores nothing tight is asked; the figures say what was measured.
NOISE = 10
#: What befalls a database, and the seconds after which the site answers all the same.
FAULTS = {
    "postgresql": {"refused": 1, "hanging": GIVES_UP, "read_only": 2},
    "mysql": {"refused": 1, "hanging": GIVES_UP, "read_only": 2},
    "sqlite": {"locked": 2},
}[connection.vendor]

LEDGER = """
from django_ihuyi.models import Message, Verification
from django_ihuyi.delivery.recovery import recover
from tests.support.time_travel import let_pass
let_pass(seconds=61)
recover()
recover()
print(json.dumps({
    "messages": [[message.recipient.phone[3:], message.state, message.counted, message.platform_id]
                 for message in Message.objects.select_related("recipient")],
    "attempts": dict(Verification.objects.values_list("id", "attempts")),
}))
"""


@pytest.fixture(scope="module")
def server():
    """A database of this proof's own, of the kind that the suite runs on."""
    if connection.vendor == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield DatabaseFile(Path(folder) / "site.sqlite3")
        return
    with running_server({"postgresql": "postgresql", "mysql": "mariadb"}[connection.vendor]) as server:
        yield server


@pytest.fixture(scope="module")
def queue(server, platform):
    """No queue: the processes of a site on that database."""
    environment = {
        "database_url": server.url,
        "platform_url": platform.submit_url,
        "IHUYI_WEBHOOK_SECRET": SECRET,
        "PROOF_RESEND_INTERVAL": "1",
    }
    queue = Queue(name="inline", platform=platform, environment=environment)
    finish(queue.manage("migrate", "--verbosity=0"))
    return queue


@pytest.fixture(scope="module")
def site(queue):
    with queue.site() as site:
        yield site


@pytest.mark.parametrize("fault", FAULTS)
def test_without_its_database_the_site_sends_nothing_and_believes_no_code(server, queue, site, fault, figure):
    """F16, and the rows of the matrix that are about the database."""
    during = max(DURING, GIVES_UP + 4) if fault == "hanging" else DURING
    traffic = Traffic(site, codes=codes_for(during))
    outage = suffer(traffic, getattr(server, fault), name=f"database {fault}", during=during)
    unheard = [a for a in outage.of_kind("right", "wrong") if a.asked > outage.began and a.status == 503]
    missed = [answer.request.about for answer in unheard if answer.kind == "right"]
    afterwards = traffic.ask(*map(traffic.guess, missed))
    repeated = traffic.ask(*map(traffic.push, traffic.receipted))
    full = [exhaust(traffic, phone) for phone in traffic.busy]
    rest = [answer for issued in traffic.wrong for answer in guess_to_the_end(traffic, issued)]
    ledger = queue.run(LEDGER)

    arrived = traffic.arrived()
    counted = count_by_phone(ledger["messages"])
    accepted = [answer for answer in outage.meanwhile if answer.kind == "right" and answer.status == 200]
    refused = [answer.request.about for answer in outage.of_kind("send") if answer.status == 503]
    answered_wrong = [answer for answer in [*outage.of_kind("wrong"), *rest] if answer.code == "code_wrong"]
    slowest = max((answer.seconds for answer in outage.answers if answer.status == 503), default=0)
    outage.tell(figure)
    figure(f"F16 codes accepted with the database down ({fault})", f"{len(accepted)} of {len(unheard)} [target 0]")
    figure(
        f"outage {outage.name}: messages of refused sends, doubled, and rows stuck",
        f"{sum(map(arrived.get, refused))} of {len(refused)}, "
        f"{sum(count > 1 for phone, count in arrived.items() if phone not in traffic.busy)}, "
        f"{len(stuck(ledger))} [target 0, 0 and 0]",
    )

    assert [answer for answer in outage.answers if not is_good_or_503(answer)] == []
    assert {answer.status for answer in outage.meanwhile if answer.kind in writing(fault)} == {503}
    assert slowest <= FAULTS[fault] * NOISE
    assert outage.revival <= REVIVAL * NOISE
    # Nothing left that was refused, nothing twice, and all that was told to leave.
    assert refused
    assert {arrived[phone] for phone in refused} == {0}
    assert {arrived[a.request.about] for a in outage.of_kind("send") if a.status == 202} == {1}
    # No code was believed that could not be counted; none of them is lost by that.
    assert unheard
    assert accepted == []
    assert [answer.status for answer in afterwards] == [200] * len(missed)
    assert {answer.status for answer in repeated} == {200}
    assert {state for phone, state, _, _ in ledger["messages"] if phone in phones(traffic.receipted)} == {"delivered"}
    # Limits: what arrived was counted, and stops at five; five guesses are answered at most.
    assert full == ["number_limit"] * len(traffic.busy)
    assert {counted[phone] for phone in traffic.busy} == {5}
    assert {phone: count for phone, count in arrived.items() if count > counted.get(phone, 0)} == {}
    assert len(answered_wrong) <= 5 * WRONG
    assert {ledger["attempts"][issued.verification_id] for issued in traffic.wrong} == {5}
    assert stuck(ledger) == []


@pytest.mark.skipif(connection.vendor == "sqlite", reason="a file does not die between two statements")
def test_a_database_that_dies_during_the_call_leaves_an_unknown_message(server, queue, site, platform, figure):
    """The person gets the code, so that is what the caller is told; what became of it, recovery writes down."""
    phone = new_phone()
    platform.spoil(phone, "no_answer", times=1, taken=True)
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(site.ask, send(phone))
        wait_until(lambda: platform.messages(phone))
        with server.refused():
            answer = asking.result()
    ledger = queue.run(LEDGER)

    [row] = [row for row in ledger["messages"] if row[0] == phone]
    arrived = len(platform.messages(phone))
    figure("outage database dies during the call", f"{arrived} message, which is {row[1]} [target at most 1, unknown]")
    assert answer.status == 202
    assert (row, arrived) == ([phone, "unknown", True, ""], 1)


@pytest.fixture(scope="module")
def cache():
    with running_server("redis") as server:
        yield server


CLIENT_LIMIT, GLOBAL_BUDGET = 20, 280
SITE_THREADS = 2 * 4


@pytest.fixture(scope="module")
def limited_site(django_db_setup, cache, platform):
    """A site whose sends are limited by client, which the cache counts, and in all, which the database does."""
    environment = {
        "database_url": url_of(connection),
        "platform_url": platform.submit_url,
        "REDIS_URL": cache.url,
        "IHUYI_WEBHOOK_SECRET": SECRET,
        "PROOF_RESEND_INTERVAL": "1",
        "PROOF_CLIENT_LIMITS": f"{CLIENT_LIMIT}/d",
        **budgets(**{"global": {"LIMITS": [f"{GLOBAL_BUDGET}/d"]}}),
    }
    with Queue(name="inline", platform=platform, environment=environment).site() as site:
        yield site


@pytest.mark.parametrize("fault", ["refused", "hanging", "flushed"])
def test_without_its_cache_the_site_works_and_no_limit_gives_way(cache, limited_site, fault, figure):
    """F16: number, code and the budget of all by the database anyhow, the limit per client by the send log."""
    with cache.flushed():
        sources = [f"127.0.{third}.{fourth}" for third in (1, 2) for fourth in range(1, 100)]
        traffic = Traffic(limited_site, codes=codes_for(SHORT), sources=sources, greedy="127.0.3.1")
    outage = suffer(traffic, getattr(cache, fault), name=f"cache {fault}", during=SHORT)
    wait_until(lambda: traffic.ask(traffic.send())[0].code == "global_limit")
    rest = [answer for issued in traffic.wrong for answer in guess_to_the_end(traffic, issued)]

    arrived = traffic.arrived()
    wrong = [answer for answer in [*outage.of_kind("wrong"), *rest] if answer.code == "code_wrong"]
    greedy = [answer for answer in outage.of_kind("greedy") if answer.status == 202]
    until_revived = sum(answer.answered < outage.revived for answer in greedy)
    busiest = max(arrived[phone] for phone in traffic.busy)
    outage.tell(figure)
    for kind in ("send", "right"):
        figure(f"outage {outage.name}: median time of {kind}", times(outage, kind))
    figure(
        f"F16 limits with the cache down ({fault})",
        f"number {busiest} of 5, guesses {len(wrong)} of {5 * WRONG}, all {sum(arrived.values())} of {GLOBAL_BUDGET}; "
        f"client {until_revived} of {CLIENT_LIMIT}, {len(greedy)} in the end [target exact, the client's nearly]",
    )

    assert [answer for answer in outage.answers if answer.status not in WELL[answer.kind]] == []
    assert 202 in {answer.status for answer in outage.meanwhile}
    assert outage.revival <= REVIVAL * NOISE
    assert {arrived[a.request.about] for a in outage.of_kind("send") if a.status == 202} == {1}
    assert busiest == 5
    assert len(wrong) == 5 * WRONG
    assert sum(arrived.values()) == GLOBAL_BUDGET
    # A window that was forgotten begins anew, and a thread does not see what another one is about to write.
    assert until_revived <= CLIENT_LIMIT * (2 if fault == "flushed" else 1) + SITE_THREADS
    assert len(greedy) <= CLIENT_LIMIT * 2 + SITE_THREADS
    assert not Message.objects.filter(state__in=["queued", "sending"]).exists()


@pytest.mark.parametrize("fallback", ["inline", "refuse"])
def test_a_broker_that_was_killed_costs_no_message_and_no_guess(cache, platform, fallback, figure):
    """Celery's; one that hangs, and Django's task framework, are in test_dispatchers.py."""
    environment = {
        "database_url": url_of(connection),
        "platform_url": platform.submit_url,
        "REDIS_URL": cache.url,
        "IHUYI_DISPATCHER": "celery",
        "IHUYI_DISPATCH_FALLBACK": fallback,
    }
    phone = new_phone()
    with Queue(name="celery", platform=platform, environment=environment).site() as site:
        waiting = site.ask(send(new_phone()))
        with cache.refused():
            began = time.monotonic()
            answer = site.ask(send(phone))
            took = time.monotonic() - began
            guess = site.ask(("/api/phone/verify-code/", {**named(waiting), "code": "000000"}))
        down = Message.objects.latest("pk")

    arrived = len(platform.messages(phone))
    figure(f"outage queue refused, {fallback}", f"{answer.status} after {took:.1f} s [target 2 s]")
    assert waiting.status == 202
    assert guess.code == "code_wrong"
    assert took <= 2 * NOISE
    if fallback == "inline":
        assert (answer.status, down.state, arrived) == (202, "submitted", 1)
    else:
        assert (answer.status, answer.code, arrived) == (503, "sending_unavailable", 0)
        assert (down.state, down.counted, down.fault) == ("unsent", False, "queue_down")


def suffer(traffic, fault, *, name, during):
    """Keep the site busy before, during and after a fault; return what became of each request."""
    with Load(traffic.site.address, traffic.requests()) as load:
        time.sleep(BEFORE)
        with fault():
            began = time.monotonic()
            time.sleep(during)
            ended = time.monotonic()
        # What a server needs for getting up is not the site's.
        revived = time.monotonic()
        time.sleep(AFTER)
    return Outage(name=name, answers=load.answers, began=began, ended=ended, revived=revived)


def codes_for(during):
    """Return how many codes are enough for a right guess five times a second."""
    return int(5 * (BEFORE + during + AFTER + LONGEST_START))


def exhaust(traffic, phone):
    """Ask until the number is full; return what is answered then."""
    answers = []

    def is_full():
        [answer] = traffic.ask(traffic.send(phone, kind="again"))
        answers.append(answer)
        return answer.code != "resend_too_soon" and answer.status != 202

    wait_until(is_full)
    return answers[-1].code


def guess_to_the_end(traffic, issued):
    answers = traffic.ask(traffic.guess(issued, kind="wrong"))
    while answers[-1].code == "code_wrong":
        answers += traffic.ask(traffic.guess(issued, kind="wrong"))
    return answers


def writing(fault):
    """Return the kinds of requests that need what the fault has taken."""
    kinds = {"send", "right", "wrong", "receipt"}
    # To look at a verification may need no write, and to refuse a number that is full needs none.
    return kinds if fault in ("read_only", "locked") else kinds | {"status", "again"}


def count_by_phone(rows):
    counted = dict.fromkeys((phone for phone, *_ in rows), 0)
    for phone, _, is_counted, _ in rows:
        counted[phone] += is_counted
    return counted


def stuck(ledger):
    return [row for row in ledger["messages"] if row[1] in ("queued", "sending")]


def phones(issued):
    return {one.phone for one in issued}


def named(sent):
    return {"verification_id": sent.body["verification_id"]}


def times(outage, kind):
    before, meanwhile = (
        statistics.median(answer.seconds for answer in answers if answer.kind == kind)
        for answers in (outage.before, outage.meanwhile)
    )
    return f"{before * 1000:.0f} ms before, {meanwhile * 1000:.0f} ms meanwhile [target + 250 ms]"
