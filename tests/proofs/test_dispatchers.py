"""Inline, Django's task framework and Celery keep the same promises, with real workers that are stopped and killed."""

import collections
import contextlib
import datetime
import itertools
import re
import signal
import time

import pytest
from django.db import connection
from django.utils import timezone

from django_ihuyi.models import Message, Recipient
from tests.conftest import url_of
from tests.proofs.support.queued_sites import Queue, finish, make_tables, task_tables, wait_until
from tests.proofs.support.site_client import new_phone, send
from tests.support.time_travel import let_pass

pytestmark = pytest.mark.proof

PARALLEL = 60
LEFT = 200
PROCESSES = 8

SEND_IN_TRANSACTION = """
from django.db import transaction
from django_ihuyi.verification import send_code
with transaction.atomic():
    send_code({phone!r}, purpose="login")
    print("written", flush=True)
    input()
    transaction.set_rollback({rollback})
print(json.dumps(None))
"""
SEND_MANY = """
from django_ihuyi.delivery import send_many
result = send_many({phones!r}, template="shipped", variables=["A17"], batch="proof")
print(json.dumps([len(result.sent), result.known]))
"""
READ_SECRETS = """
from django_ihuyi.models import Verification
print(json.dumps([word for v in Verification.objects.select_related("recipient")
                  for word in (v.code, v.seed, v.phone.removeprefix("+86"))]))
"""
# Forks, because to start eight processes takes longer than what they do; each waits for all to be there.
AT_ONCE = """
import os, sys, time
from django.db import connections
from django_ihuyi import signals, tasks
from django_ihuyi.models import Message
from django_ihuyi.delivery.recovery import recover

def work():
    told = []
    def listen(message, **_):
        told.append(message.pk)
    signals.message_changed.connect(listen)
    Message.objects.count()
    time.sleep(max(0, at - time.time()))
    {job}
    return told

at, connections_closed, results = time.time() + 2, connections.close_all(), []
for _ in range({processes}):
    reader, writer = os.pipe()
    if not os.fork():
        try:
            answer = json.dumps(work())
        except BaseException as error:
            answer = json.dumps(repr(error))
        os.write(writer, answer.encode())
        os._exit(0)
    os.close(writer)
    results.append(reader)
print(json.dumps([json.loads(open(reader).read()) for reader in results]))
"""


@pytest.fixture(scope="module", params=["inline", "tasks", "celery"])
def queue(request, django_db_setup, django_db_blocker, platform):
    environment = {"IHUYI_DISPATCHER": request.param, "PROOF_RESEND_INTERVAL": "1"}
    if request.param == "celery":
        environment["REDIS_URL"] = request.getfixturevalue("redis").url
    environment |= {"database_url": url_of(connection), "platform_url": platform.submit_url}
    queue = Queue(name=request.param, platform=platform, environment=environment)
    with django_db_blocker.unblock():
        make_tables(queue)
    return queue


@pytest.fixture(scope="module")
def site(queue):
    with queue.site() as site:
        yield site


with_a_queue = pytest.mark.parametrize("queue", ["tasks", "celery"], indirect=True)


def states():
    return collections.Counter(Message.objects.values_list("state", flat=True))


def nobody_is_sending():
    return not {"queued", "sending"} & set(states())


def test_each_message_arrives_once(queue, site, figure):
    phones = [new_phone() for _ in range(PARALLEL)]
    with queue.workers():
        answers = site.fire([send(phone) for phone in phones])
        wait_until(nobody_is_sending)
    arrived = [len(queue.platform.messages(phone)) for phone in phones]

    figure(
        f"dispatcher {queue.name}: parallel sends that arrived",
        f"{arrived.count(1)} of {PARALLEL} once, {PARALLEL - arrived.count(1)} otherwise [target {PARALLEL} and 0]",
    )
    assert [answer.status for answer in answers] == [202] * PARALLEL
    assert states() == {"submitted": PARALLEL}
    assert arrived == [1] * PARALLEL


@with_a_queue
def test_messages_to_one_number_keep_a_second_between_them(queue, site, figure):
    """All are in the queue before a worker looks at the first one."""
    phones = [new_phone() for _ in range(5)]
    for purpose in ("register", "login", "reset_password"):
        answers = site.fire([send(phone, purpose=purpose) for phone in phones])
        assert [answer.status for answer in answers] == [202] * 5
    with queue.workers():
        wait_until(nobody_is_sending)
    gaps = [gap for phone in phones for gap in gaps_between(queue.platform.messages(phone))]

    figure(f"dispatcher {queue.name}: shortest gap", f"{min(gaps):.3f} s of {len(gaps)} [target at least 1.000 s]")
    assert states() == {"submitted": 15}
    assert len(gaps) == 10
    assert min(gaps) >= 1.0


@with_a_queue
def test_of_a_batch_that_is_sent_twice_each_message_arrives_once(queue, figure):
    phones = [new_phone() for _ in range(250)]
    with queue.workers():
        first, second = (queue.run(SEND_MANY.format(phones=phones)) for _ in range(2))
        wait_until(nobody_is_sending)
    arrived = [len(queue.platform.messages(phone)) for phone in phones]

    figure(
        f"dispatcher {queue.name}: a batch of 250, sent twice",
        f"{arrived.count(1)} once, {250 - arrived.count(1)} otherwise [target 250 and 0]",
    )
    assert (first, second) == ([250, 0], [0, 250])
    assert states() == {"submitted": 250}
    assert arrived == [1] * 250


def gaps_between(messages):
    moments = [datetime.datetime.fromisoformat(message["at"]) for message in messages]
    return [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(moments)]


def test_nothing_leaves_before_the_commit_and_nothing_after_a_rollback(queue):
    rolled_back, committed = new_phone(), new_phone()
    with queue.workers():
        before_rollback = send_in_transaction(queue, rolled_back, rollback=True)
        before_commit = send_in_transaction(queue, committed, rollback=False)
        wait_until(lambda: states()["submitted"])

    assert before_rollback == before_commit == []
    assert queue.platform.messages(rolled_back) == []
    assert len(queue.platform.messages(committed)) == 1
    assert [recipient.phone for recipient in Recipient.objects.all()] == [f"+86{committed}"]


def send_in_transaction(queue, phone, *, rollback):
    """Return what had arrived when the message was written and its transaction still open."""
    process = queue.start(SEND_IN_TRANSACTION.format(phone=phone, rollback=rollback))
    assert process.stdout.readline() == "written\n"
    time.sleep(0.5)  # a worker that knew of it would be faster
    arrived = queue.platform.messages(phone)
    finish(process, "\n")
    return arrived


@with_a_queue
def test_a_queue_holds_neither_codes_nor_numbers(queue, site, figure):
    phones = [new_phone() for _ in range(20)]
    assert {answer.status for answer in site.fire([send(phone) for phone in phones])} == {202}
    waiting = queue.dump()
    secrets = queue.run(READ_SECRETS)
    with queue.workers() as workers:
        wait_until(nobody_is_sending)
        done = queue.dump() + workers.read_log()

    assert states() == {"submitted": 20}
    # The dump is one of the right place: the tasks are in it.
    name = (
        "ihuyi.send_code" if queue.name == "celery" else "django_ihuyi.delivery.dispatchers.django_tasks.send_message"
    )
    assert waiting.count(name) >= 20
    found = [secret for secret in secrets if is_in(secret, waiting) or is_in(secret, done)]
    figure(
        f"dispatcher {queue.name}: codes, seeds and numbers in queue and log",
        f"{len(found)} of {len(secrets)} [target 0]",
    )
    assert len(secrets) == 60
    assert found == []


def is_in(secret, text):
    """Find it as a word of its own: six digits stand in many a time stamp."""
    return bool(re.search(rf"(?<![0-9A-Za-z.:]){secret}(?![0-9A-Za-z.:])", text))


@with_a_queue
def test_a_worker_that_is_killed_during_the_call_leaves_an_unknown_message(queue, site):
    phone = new_phone()
    queue.platform.spoil(phone, "no_answer", times=1, taken=True)
    with queue.workers() as workers:
        assert site.ask(send(phone)).status == 202
        wait_until(lambda: queue.platform.messages(phone))
        workers.kill()
    left = states()
    finish(queue.manage("ihuyi_recover"))
    too_early = states()
    let_pass(seconds=61)
    with queue.workers():
        wait_until(lambda: finish(queue.manage("ihuyi_recover")) and nobody_is_sending())
        time.sleep(1)

    assert left == too_early == {"sending": 1}
    message = Message.objects.get()
    assert (message.state, message.counted, message.fault) == ("unknown", True, "worker_lost")
    assert len(queue.platform.messages(phone)) == 1


@with_a_queue
def test_a_new_worker_gives_an_end_to_what_a_dead_one_left(queue, site):
    """Celery's when it starts; one of Django's task framework, which is told of its tasks only, after its first."""
    recipient = Recipient.objects.create(phone=f"+86{new_phone()}")
    left = Message(recipient=recipient, channel="sms", kind="notice", template="x", text="x", state="sending")
    left.created_at = timezone.now()
    left.save()
    let_pass(seconds=61)
    with queue.workers():
        if queue.name == "tasks":
            assert site.ask(send(new_phone())).status == 202
        wait_until(nobody_is_sending)

    left.refresh_from_db()
    assert (left.state, left.fault) == ("unknown", "worker_lost")


@with_a_queue
def test_a_worker_that_was_stopped_sends_nothing_stale(queue, site):
    phone, later = new_phone(), new_phone()
    with queue.workers() as workers:
        workers.signal(signal.SIGSTOP)
        assert site.ask(send(phone)).status == 202
        let_pass(seconds=31)
        assert site.ask(send(later)).status == 202
        workers.signal(signal.SIGCONT)
        wait_until(nobody_is_sending)

    assert queue.platform.messages(phone) == []
    assert len(queue.platform.messages(later)) == 1
    stale = Message.objects.earliest("pk")
    assert (stale.state, stale.counted, stale.fault) == ("unsent", False, "too_old")


@pytest.mark.parametrize("queue", ["celery"], indirect=True)
def test_workers_go_on_when_their_broker_answers_again(queue, site, redis):
    first, second = new_phone(), new_phone()
    with queue.workers():
        site.ask(send(first))
        wait_until(lambda: queue.platform.messages(first))
        with stopped(redis.process):
            time.sleep(3)
        assert site.ask(send(second)).status == 202
        wait_until(nobody_is_sending)

    assert len(queue.platform.messages(second)) == 1


@with_a_queue
@pytest.mark.parametrize("fallback", ["inline", "refuse"])
def test_a_queue_that_is_down_costs_no_message(queue, queue_down, fallback, figure):
    phone = new_phone()
    with queue.site(IHUYI_DISPATCH_FALLBACK=fallback) as site:
        site.ask(send(new_phone()))
        with queue_down():
            began = time.monotonic()
            answer = site.ask(send(phone))
            took = time.monotonic() - began
        down = Message.objects.latest("pk")
        with queue.workers():
            again = site.ask(send(phone, purpose="login"))
            wait_until(nobody_is_sending)

    figure(
        f"dispatcher {queue.name}, queue down, {fallback}: answer", f"{answer.status} after {took:.1f} s [target 2 s]"
    )
    arrived = len(queue.platform.messages(phone))
    if fallback == "inline":
        assert (answer.status, down.state) == (202, "submitted")
        assert arrived >= 1
    else:
        assert (answer.status, answer.code, answer.retry_after) == (503, "sending_unavailable", "5")
        assert (down.state, down.counted, down.fault) == ("unsent", False, "queue_down")
        assert (again.status, arrived) == (202, 1)


@pytest.fixture
def queue_down(request, queue):
    """Take the queue away for a while: its tables, or the answers of its server."""
    if queue.name == "tasks":
        return without_tables
    server = request.getfixturevalue("redis")
    return lambda: stopped(server.process)


@contextlib.contextmanager
def without_tables():
    tables = task_tables()
    with connection.schema_editor() as editor:
        for table in tables:
            editor.alter_db_table(None, table, f"{table}_away")
    try:
        yield
    finally:
        with connection.schema_editor() as editor:
            for table in tables:
                editor.alter_db_table(None, f"{table}_away", table)


@contextlib.contextmanager
def stopped(process):
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


@with_a_queue
def test_a_message_is_sent_once_however_often_its_task_is_run(queue, site, figure):
    phone = new_phone()
    assert site.ask(send(phone)).status == 202
    job = f"tasks.run({Message.objects.get().pk})"
    told = queue.run(AT_ONCE.format(job=job, processes=PROCESSES))

    arrived = len(queue.platform.messages(phone))
    figure(f"dispatcher {queue.name}: one task run by {PROCESSES} processes", f"{arrived} messages [target 1]")
    assert states() == {"submitted": 1}
    assert arrived == 1
    assert sorted(map(len, told)) == [0] * (PROCESSES - 1) + [1]


@pytest.mark.parametrize("queue", ["inline"], indirect=True)
def test_eight_recoveries_at_once_change_each_row_once(queue, figure):
    recipients = Recipient.objects.bulk_create(Recipient(phone=f"+8613{n:09}") for n in range(LEFT))
    Message.objects.bulk_create(
        Message(recipient=recipient, channel="sms", kind="notice", template="x", text="x", created_at=timezone.now(),
                state="sending" if number % 2 else "queued")
        for number, recipient in enumerate(recipients)
    )  # fmt: skip
    let_pass(hours=2)
    told = queue.run(AT_ONCE.format(job="recover()", processes=PROCESSES))
    signals = collections.Counter(itertools.chain.from_iterable(told))

    figure(
        f"{PROCESSES} recoveries at once",
        f"{len(signals)} of {LEFT} rows changed, by {sum(map(bool, told))} of them, "
        f"{max(signals.values())} signal each [target {LEFT} and 1]",
    )
    assert states() == {"unknown": LEFT // 2, "unsent": LEFT // 2}
    assert (len(signals), set(signals.values())) == (LEFT, {1})
