"""Bulk: many notices through real workers, to a platform that takes a tenth of a second for each answer."""

import collections
import itertools
import os
import signal
from datetime import datetime

import pytest
from django.db import connection
from django.utils import timezone

from django_ihuyi.models import Message
from django_ihuyi.models.batches import BatchRow
from tests.conftest import url_of
from tests.proofs.support.processes import PATIENCE, running_platform
from tests.proofs.support.queued_sites import Queue, finish, make_tables, wait_until
from tests.proofs.support.site_client import new_phone
from tests.support.time_travel import let_pass

pytestmark = pytest.mark.proof

NOTICES = int(os.environ.get("PROOF_BULK_NOTICES", 1000))
LATENCY = 0.1
#: Processes of workers, and the calls that each may have under way.
WORKERS, CALLS = 2, int(os.environ.get("PROOF_BULK_CALLS", 4))
#: Of the ceiling, which is calls at once ÷ latency; and what a busy machine may make of it.
TARGET, TOLERANCE = 0.9, 2
#: Rows a second of a command that is paced.
RATE = 20

SEND_CODE = """
from django_ihuyi.verification import send_code
send_code({phone!r}, purpose="login")
print(json.dumps(None))
"""


@pytest.fixture(scope="module")
def slow_platform():
    with running_platform("--no-limits", "--latency", str(LATENCY)) as platform:
        yield platform


@pytest.fixture(scope="module")
def make_queue(django_db_setup, django_db_blocker, slow_platform):
    def make(**environment):
        environment |= {"database_url": url_of(connection), "platform_url": slow_platform.submit_url}
        environment |= {"IHUYI_DISPATCHER": "tasks", "IHUYI_PLATFORM_CONCURRENCY": str(CALLS)}
        queue = Queue(name="tasks", platform=slow_platform, environment=environment)
        with django_db_blocker.unblock():
            make_tables(queue)
        return queue

    return make


@pytest.fixture
def file(tmp_path):
    def write(phones):
        path = tmp_path / "rows.csv"
        path.write_text("phone,order\n" + "".join(f"{phone},A{place}\n" for place, phone in enumerate(phones)))
        return path

    return write


def start(queue, path, *options):
    return queue.manage("ihuyi_send_many", str(path), "--batch=proof", "--template=shipped", "--wait", *options)


def states():
    return collections.Counter(Message.objects.values_list("state", flat=True))


def nobody_sends_since(moment):
    return not Message.objects.filter(state="sending", taken_at__gt=moment).exists()


def arrivals(queue, phones):
    """Return when which message of these phones arrived, oldest first: [(seconds, phone)]."""
    wanted = set(phones)
    messages = [message for message in queue.platform.messages() if message["mobile"] in wanted]
    return sorted((datetime.fromisoformat(message["at"]).timestamp(), message["mobile"]) for message in messages)


def most_within(moments, seconds):
    """Return how many lie in the fullest window of so many seconds."""
    begins = collections.deque()
    most = 0
    for moment in moments:
        begins.append(moment)
        while moment - begins[0] >= seconds:
            begins.popleft()
        most = max(most, len(begins))
    return most


@pytest.mark.timed
def test_workers_spend_their_time_waiting_for_the_platform(make_queue, file, figure):
    queue = make_queue()
    phones = [new_phone() for _ in range(NOTICES)]
    with queue.workers(count=WORKERS):
        lines = finish(start(queue, file(phones)), patience=NOTICES + PATIENCE).splitlines()
    moments = [moment for moment, _ in arrivals(queue, phones)]
    rate, ceiling = (len(moments) - 1) / (moments[-1] - moments[0]), WORKERS * CALLS / LATENCY

    figure(
        "bulk",
        f"{rate:.1f} a second of ceiling {ceiling:.0f} = {rate / ceiling:.2f} [target {TARGET:.2f}]; {len(moments)} "
        f"notices, {WORKERS} workers with {CALLS} calls each, {LATENCY:.1f} s an answer",
    )
    assert states() == {"submitted": NOTICES}
    assert sorted(phone for _, phone in arrivals(queue, phones)) == sorted(phones)
    assert most_within(moments, LATENCY) <= WORKERS * CALLS
    assert rate / ceiling >= TARGET / TOLERANCE
    # It told how far it was, and that all is done.
    assert len(lines) > 2
    assert lines[-1].startswith(f"{NOTICES} of {NOTICES}: {NOTICES} sent, 0 unknown, 0 refused, 0 unsent, 0 on their")


def test_what_was_killed_goes_on_without_loss_and_without_doubling(make_queue, file, figure):
    queue = make_queue()
    phones = [new_phone() for _ in range(300)]
    path = file(phones)
    with queue.workers(count=WORKERS) as doomed:
        command = start(queue, path)
        # Two runs are in the queue: one for the worker that is killed next, and one for the other.
        wait_until(lambda: len(arrivals(queue, phones)) > 30 and BatchRow.objects.count() > 200)
        command.send_signal(signal.SIGKILL)
        command.communicate()
        written = BatchRow.objects.count()
        doomed.crews[0].signal(signal.SIGKILL)
        wait_until(lambda: len(arrivals(queue, phones)) > 60)
        doomed.kill()
    killed = timezone.now()
    with queue.workers(count=WORKERS):
        command = start(queue, path)
        wait_until(lambda: states().total() == 300 and not states()["queued"] and nobody_sends_since(killed))
        in_flight = states()["sending"]
        let_pass(seconds=61)
        finish(queue.manage("ihuyi_recover"))
        last = finish(command).splitlines()[-1]
    arrived = collections.Counter(phone for _, phone in arrivals(queue, phones))
    unknown = {message.phone.removeprefix("+86") for message in Message.objects.filter(state="unknown")}
    lost = [phone for phone in phones if not arrived[phone] and phone not in unknown]
    doubled = [phone for phone in phones if arrived[phone] > 1]

    figure(
        "bulk, command and workers killed",
        f"lost {len(lost)}, doubled {len(doubled)} of 300 [target 0 and 0]; {len(unknown)} in flight are unknown, "
        f"{sum(map(arrived.get, unknown, itertools.repeat(0)))} of them arrived",
    )
    assert 0 < written < 300 or in_flight
    assert (lost, doubled) == ([], [])
    assert len(unknown) == in_flight <= WORKERS * CALLS
    assert states() == {"submitted": 300 - in_flight, **({"unknown": in_flight} if in_flight else {})}
    assert last.startswith(f"300 of 300: {300 - in_flight} sent, {in_flight} unknown, 0 refused, 0 unsent")


def test_the_limits_of_a_number_hold_and_a_code_overtakes(make_queue, file, figure):
    queue = make_queue()
    often, asker = new_phone(), new_phone()
    phones = [new_phone() for _ in range(400)]
    with queue.workers(count=WORKERS):
        command = start(queue, file([*phones[:20], *[often] * 10, *phones[20:]]))
        wait_until(lambda: arrivals(queue, phones))
        queue.run(SEND_CODE.format(phone=asker))
        asked = Message.objects.get(kind="code").created_at.timestamp()
        wait_until(lambda: arrivals(queue, [asker]))
        left = len(phones) - len(arrivals(queue, phones))
        wait_until(lambda: command.poll() is not None)
    lines = command.communicate()[0].splitlines()
    [(code_arrived, _)] = arrivals(queue, [asker])
    to_one = [moment for moment, _ in arrivals(queue, [often])]

    figure("bulk, a code", f"arrived after {code_arrived - asked:.1f} s, before {left} notices")
    assert len(arrivals(queue, phones)) == len(phones)
    assert left > 0
    assert len(to_one) == 5
    assert min(later - earlier for earlier, later in itertools.pairwise(to_one)) >= 1.0
    assert command.returncode == 1
    assert "  number_limit: 5" in lines


def test_a_paced_command_begins_at_most_so_many_rows_a_second(make_queue, file, figure):
    """One thread writes a row before it begins the next: a second's rows, one begun before, one for the two clocks."""
    queue = make_queue()
    phones = [new_phone() for _ in range(4 * RATE)]
    with queue.workers(count=WORKERS):
        finish(start(queue, file(phones), f"--rate={RATE}"))
    written = sorted(moment.timestamp() for moment in Message.objects.values_list("created_at", flat=True))
    arrived = [moment for moment, _ in arrivals(queue, phones)]

    figure(
        f"bulk, --rate {RATE}",
        f"at most {most_within(written, 1.0)} rows written within a second [target {RATE + 2}], at most "
        f"{most_within(arrived, 1.0)} arrivals",
    )
    assert len(arrived) == len(phones)
    assert most_within(written, 1.0) <= RATE + 2
