"""kill -9 at every point (docs/explanation/delivery, "Killed at any point"): nothing is lost, doubled or hidden."""

import dataclasses
import re

import pytest
from django.db import connection

from django_ihuyi.delivery.recovery import Recovered, recover
from django_ihuyi.models import Message, Verification
from tests.conftest import url_of
from tests.proofs.support.audits import Reckoning, reckon
from tests.proofs.support.concurrent_requests import to_form
from tests.proofs.support.crash_outcomes import (
    F7,
    NOTHING,
    SENT,
    SETTLED_LATER,
    TARGET,
    TOO_OLD,
    UNKNOWN,
    see_what_is_left,
    state_of,
)
from tests.proofs.support.crash_scenes import LONG_ENOUGH, recover_twice, running_scene
from tests.proofs.support.failpoints import arm
from tests.proofs.support.platform_pushes import SECRET, order, push, receipt_of
from tests.proofs.support.queued_sites import Queue, make_tables, wait_until
from tests.proofs.support.site_client import new_phone, send
from tests.support.time_travel import let_pass

pytestmark = pytest.mark.proof

INLINE = {
    "C1": NOTHING,
    "C2": NOTHING,
    "C3": UNKNOWN,
    "C4": UNKNOWN,
    "C5": UNKNOWN,
    "C5-last-byte": UNKNOWN,
    "C6": SETTLED_LATER,
    "C7": SETTLED_LATER,
    "C8": SETTLED_LATER,
    "C9": SETTLED_LATER,
    "C10": SENT,
    "C11": SENT,
}
#: With a queue: who is killed, and what is left.
SITE_OF_A_QUEUE = {"C3": TOO_OLD}
WORKERS = {"C22-untaken": TOO_OLD, "C22": UNKNOWN, "C6": SETTLED_LATER, "C8": SETTLED_LATER}


@pytest.fixture(scope="module")
def scene(django_db_setup, platform, tmp_path_factory):
    folder = tmp_path_factory.mktemp("points")
    with running_scene(platform, folder, database_url=url_of(connection)) as scene:
        yield scene


@pytest.fixture(autouse=True)
def no_tracebacks(scene):
    """A kill is nothing that the site's other processes, or the next one, stumble over."""
    scene.tidy()
    yield
    assert "Traceback" not in scene.read_log()


# Sends (C1 to C11, C22, C23)


def test_a_send_that_is_killed_leaves_what_is_safe(scene, figure):
    left, total = {}, Reckoning()
    for point in INLINE:
        phone = new_phone()
        scene.kill(point, send(phone))
        # Of an answer that was cut off the caller has seen the status.
        left[point], reckoning = see_what_is_left(scene.site, phone, INLINE[point], promised=int(point == "C11"))
        total += reckoning

    figure(f"{F7} at {len(left)} points of a send", f"{total} {TARGET}")
    assert left == INLINE
    assert total == Reckoning()


def test_a_resend_that_is_killed_before_its_commit_spoils_no_code(scene):
    """C2, on a verification that is alive."""
    issued = scene.site.issue()
    let_pass(seconds=LONG_ENOUGH)
    path, body = send(issued.phone)

    scene.kill("C2", (path, {**body, "verification_id": issued.verification_id}))

    assert len(scene.site.platform.messages(issued.phone)) == Message.objects.count() == 1
    assert scene.site.ask(issued.right).status == 200


def test_a_refusal_is_written_with_what_it_teaches_or_not_at_all(scene):
    """C9, where the transaction has two statements: nothing of it is there."""
    phone = new_phone()
    order(scene.site.platform, "answers", code=4085, mobile=phone, times=1)

    scene.kill("C9", send(phone))
    recover_twice()

    message = Message.objects.select_related("recipient").get()
    assert (message.state, message.counted, message.recipient.code_full_until) == ("unknown", True, None)


@pytest.fixture(params=["tasks", "celery"])
def dispatcher(request):
    """What the site's processes are told of their queue."""
    environment = {"IHUYI_DISPATCHER": request.param}
    if request.param == "celery":
        environment["REDIS_URL"] = request.getfixturevalue("redis").url
    return environment


def test_a_queued_send_that_is_killed_leaves_what_is_safe(dispatcher, platform, tmp_path, figure):
    """The site before the queue has the task, a worker before and after it took the message, and during the call."""
    left, total = {}, Reckoning()
    with running_scene(platform, tmp_path, database_url=url_of(connection), **dispatcher) as scene:
        queue = Queue(name=dispatcher["IHUYI_DISPATCHER"], platform=platform, environment=scene.environment)
        make_tables(queue)
        with queue.workers(count=len(WORKERS) + 1) as workers:
            for point, expected in WORKERS.items():
                phone = new_phone()
                arm(tmp_path, point)
                assert scene.site.ask(send(phone)).status == 202
                wait_until(lambda point=point: not scene.is_armed(point))
                left[point], reckoning = see_what_is_left(scene.site, phone, expected, promised=1)
                total += reckoning
            for point, expected in SITE_OF_A_QUEUE.items():
                phone = new_phone()
                scene.kill(point, send(phone))
                left[point], reckoning = see_what_is_left(scene.site, phone, expected, promised=0)
                total += reckoning
            log = workers.read_log() + scene.read_log()

    figure(f"{F7} at {len(left)} points of a send queued by {queue.name}", f"{total} {TARGET}")
    assert left == WORKERS | SITE_OF_A_QUEUE
    assert total == Reckoning()
    assert tracebacks(log) == []


def tracebacks(log):
    """Return how each ends; but not those of Celery's own pool, whose parent reports each child that is killed."""
    ends = re.findall(r"^Traceback \(most recent call last\):\n(?: .*\n)*(.*)", log, re.MULTILINE)
    assert len(ends) == log.count("Traceback (most recent call last)")
    return [end for end in ends if not end.startswith("billiard.")]


# Guesses (C12 to C16)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Guessed:
    """What a kill leaves of a guess: how many are counted, whether one has won, what the right one is answered then."""

    attempts: int
    is_verified: bool = False
    right: int = 200


GUESSES = {
    ("C12", "right"): Guessed(attempts=0),
    ("C12", "wrong"): Guessed(attempts=0),
    ("C14", "right"): Guessed(attempts=0),
    ("C14", "wrong"): Guessed(attempts=0),
    ("C15", "right"): Guessed(attempts=0),
    ("C15", "wrong"): Guessed(attempts=0),
    # Where the wrong ones before it are forgiven in the same transaction.
    ("C15", "right after a wrong one"): Guessed(attempts=1),
    # C13: what a wrong guess costs is paid, although nobody heard that it was wrong.
    ("C16", "wrong"): Guessed(attempts=1),
    ("C16", "right"): Guessed(attempts=1, is_verified=True, right=400),
}


def test_a_guess_that_is_killed_is_counted_or_tells_nothing(scene, figure):
    left, total = {}, Reckoning()
    for point, which in GUESSES:
        issued = scene.site.issue()
        [wrong] = issued.wrong(1)
        if which == "right after a wrong one":
            scene.site.ask(wrong)
        scene.kill(point, wrong if which == "wrong" else issued.right)
        verification = Verification.objects.get(pk=issued.verification_id)
        left[point, which] = Guessed(
            attempts=verification.attempts,
            is_verified=verification.verified_at is not None,
            right=scene.site.ask(issued.right).status,
        )
        total += reckon(scene.site.platform, issued.phone, asked=1, promised=1)

    figure(f"{F7} at {len(left)} points of a guess", f"{total} {TARGET}")
    assert left == GUESSES
    assert total == Reckoning()


# Receipts (C17 to C19)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """What a kill leaves of a receipt, and how often its change was told when the platform has pushed it again."""

    state: str
    end: str = "delivered"
    told: int


RECEIPTS = {
    "C17": Pushed(state="submitted", told=1),
    # Between the commit and the signal: at most once, as documented.
    "C18": Pushed(state="delivered", told=0),
    "C19": Pushed(state="delivered", told=1),
}


def test_a_receipt_that_is_killed_is_taken_once_when_it_is_pushed_again(scene, figure):
    left, total = {}, Reckoning()
    for point in RECEIPTS:
        phone = scene.site.issue().phone
        message = Message.objects.select_related("recipient").get(recipient__phone=f"+86{phone}")
        form = receipt_of(message)
        scene.kill(point, (f"/webhooks/receipts/{SECRET}/", form), encode=to_form)
        state = state_of(phone)
        assert push(scene.site.address, "receipts", [form] * 2) == [200] * 2
        told = scene.notes().count(f"message delivered {message.platform_id}")
        left[point] = Pushed(state=state, end=state_of(phone), told=told)
        total += reckon(scene.site.platform, phone, asked=1, promised=1)

    figure(f"{F7} at {len(left)} points of a receipt", f"{total} {TARGET}")
    assert left == RECEIPTS
    assert total == Reckoning()


# C20 and C21: recovery and purge


RECOVERIES = {"C20-uncommitted": 0, "C20": 1}


def test_a_recovery_that_is_killed_is_completed_by_the_next_one(scene, figure):
    phones = [issued.phone for issued in scene.site.issue_many(3)]
    Message.objects.update(state="sending", finished_at=None, platform_id="", result_code=None, duration=None)
    let_pass(seconds=LONG_ENOUGH)
    ended = {}
    for point in RECOVERIES:
        scene.kill_command(point, "ihuyi_recover")
        ended[point] = Message.objects.filter(state="unknown").count()

    assert ended == RECOVERIES
    assert recover().unknown == 2
    assert recover() == Recovered()
    total = sum((reckon(scene.site.platform, phone, asked=1, promised=1) for phone in phones), Reckoning())
    figure(f"{F7} at {len(ended)} points of a recovery", f"{total} {TARGET}")
    assert total == Reckoning()


def test_a_receipt_that_came_first_outlives_the_sender_and_a_recovery(scene):
    phone = new_phone()
    scene.kill("C8", send(phone))
    [arrived] = scene.site.platform.messages(phone)
    receipt = receipt_of(Message.objects.select_related("recipient").get(), smsid=arrived["smsid"])
    assert push(scene.site.address, "receipts", [receipt]) == [200]
    let_pass(seconds=LONG_ENOUGH)
    scene.kill_command("C20", "ihuyi_recover")
    state = state_of(phone)

    assert (state, recover(), state_of(phone)) == ("unknown", Recovered(settled=1), "delivered")


def test_a_purge_that_is_killed_takes_no_claim_away(scene, figure):
    """C21; that the next purge completes it: tests/proofs/test_purge_races.py."""
    scene.site.issue_many(3)
    let_pass(days=181)
    issued = scene.site.issue()

    scene.kill_command("C21", "ihuyi_purge")

    assert Message.objects.count() == 4
    assert scene.run("ihuyi_purge", "--verbosity=0") == 0
    assert Message.objects.count() == 1
    total = reckon(scene.site.platform, issued.phone, asked=1, promised=1)
    figure(f"{F7} at 1 point of a purge", f"{total} {TARGET}")
    assert total == Reckoning()
    assert scene.site.ask(issued.right).status == 200
