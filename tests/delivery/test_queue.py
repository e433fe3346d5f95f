"""A queued message: taken by one worker, while it is worth sending and its number may be called."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from django_ihuyi import delivery, exceptions, tasks
from django_ihuyi.backends.locmem import LocmemBackend
from django_ihuyi.client.outcomes import Outcome, Submission
from django_ihuyi.database.clock import DatabaseNow
from django_ihuyi.delivery import admission, in_process, queue
from django_ihuyi.delivery.admission.permit import acquire_permit
from django_ihuyi.models import Message, Recipient, Verification
from django_ihuyi.verification import get_status
from tests.support import dispatchers
from tests.support.time_travel import let_pass
from tests.support.use_cases import PHONE, failing, guess_right, send

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("outbox", "_queue")]

NOTICES = {"code": {"TEXT": "{code}"}, "shipped": {"TEXT": "{1}"}}


@pytest.fixture
def _queue(configure):
    configure(DISPATCHER=dispatchers.KEEPING, TEMPLATES=NOTICES)


def notify(phone=PHONE, **more):
    return delivery.send(phone, template="shipped", variables=["A17"], **more)


def test_a_task_that_runs_twice_sends_once(outbox):
    send()
    dispatchers.queue *= 2

    dispatchers.work()

    assert (len(outbox), Message.objects.get().state) == (1, "submitted")


def test_a_task_without_a_message_does_nothing(outbox):
    tasks.run(4_000_000_000)

    assert list(outbox) == []


def test_a_code_is_not_sent_when_it_has_waited_too_long(outbox):
    issued = send()
    let_pass(seconds=31)

    before, dead = get_status(issued.verification_id), dispatchers.work()

    message = Message.objects.get()
    assert (list(outbox), message.state, message.counted, message.fault, dead) == ([], "unsent", False, "too_old", None)
    # Nobody has to wait for that to be written down.
    assert (before.delivery, before.resend_in) == ("failed", 0)


def test_an_overdue_code_blocks_no_new_code_before_recovery(outbox):
    send()
    let_pass(seconds=31)

    send()
    dispatchers.work()

    assert len(outbox) == 1
    assert sorted(Message.objects.values_list("state", flat=True)) == ["submitted", "unsent"]


def test_the_database_itself_refuses_to_give_out_a_message_that_is_too_old():
    """Whatever a worker has read before it was stopped."""
    send()
    message = Message.objects.get()
    let_pass(seconds=31)

    assert Message.objects.take(message) is False


@pytest.mark.parametrize(("minutes", "state"), [(58, "submitted"), (60, "unsent")])
def test_a_notice_may_wait_for_59_minutes(minutes, state):
    notify()
    let_pass(minutes=minutes)

    dispatchers.work()

    assert Message.objects.get().state == state


def test_a_code_does_not_wait_for_a_queued_notice():
    notify()

    assert send()


def test_the_same_code_is_not_queued_twice():
    send()

    with pytest.raises(exceptions.LimitReached):
        send()


def test_a_code_is_not_sent_after_its_verification_was_verified(outbox):
    """A resend that is still in the queue when the first message arrives."""
    issued = send()
    dispatchers.work()
    let_pass(seconds=61)
    send(verification_id=issued.verification_id)
    guess_right(issued)

    dispatchers.work()

    message = Message.objects.latest("pk")
    assert (len(outbox), message.state, message.counted, message.fault) == (1, "unsent", False, "ended")


def test_a_code_whose_verification_is_gone_is_not_sent(outbox):
    send()
    Verification.objects.all().delete()

    dispatchers.work()

    assert (list(outbox), Message.objects.get().fault) == ([], "ended")


def test_a_number_that_was_blacklisted_meanwhile_is_not_called(outbox):
    send()
    Recipient.objects.get().suppress(4030)

    dispatchers.work()

    assert (list(outbox), Message.objects.get().fault) == ([], "paused")


def test_an_advertisement_is_not_sent_after_an_opt_out(configure, outbox):
    backend = {"BACKEND": "django_ihuyi.backends.locmem.LocmemBackend"}
    configure(CHANNELS={"sms": backend, "marketing": backend})
    notify(channel="marketing")
    Recipient.objects.get().opt_out()

    dispatchers.work()

    assert (list(outbox), Message.objects.get().fault) == ([], "opted_out")


@pytest.mark.parametrize(
    "changed",
    [
        {"TEMPLATES": {"code": {"TEXT": "{code}"}}},
        {"TEMPLATES": NOTICES | {"shipped": {"TEXT": "{1} {2}"}}},
        {"CHANNELS": {}},
        {"CHANNELS": {"sms": {"BACKEND": "tests.missing.Backend"}}},
    ],
    ids=["no template", "another template", "no channel", "no backend"],
)
def test_a_message_that_the_workers_settings_lack_is_not_taken_and_not_counted(configure, outbox, caplog, changed):
    notify()
    configure(**changed)

    dispatchers.work()

    message = Message.objects.get()
    assert (list(outbox), message.state, message.fault, message.counted, message.taken_at) == (
        [],
        "unsent",
        "not_configured",
        False,
        None,
    )
    assert "cannot be sent with these settings" in caplog.text


def test_two_messages_to_one_number_leave_a_second_apart():
    send()
    send(purpose="register")

    dispatchers.work()

    first, second = Message.objects.order_by("pk")
    assert (first.state, second.state) == ("submitted", "submitted")
    assert (second.taken_at - first.finished_at).total_seconds() >= 1


def test_a_request_is_refused_while_a_worker_calls_the_number():
    """A message that waited long in the queue is on its way since it was taken, not since it was written."""
    notify()
    let_pass(minutes=30)
    Message.objects.update(state="sending")
    Message.objects.update(taken_at=_database_now())

    with pytest.raises(exceptions.LimitReached) as refusal:
        send()

    assert (refusal.value.code, refusal.value.retry_after) == ("resend_too_soon", 9)


def _database_now():
    return DatabaseNow()


class SlowBackend(LocmemBackend):
    """Notes how many calls to one number are under way."""

    under_way, most = 0, 0
    may_end = threading.Event()

    def submit(self, phone, text):
        SlowBackend.under_way += 1
        SlowBackend.most = max(SlowBackend.most, SlowBackend.under_way)
        self.may_end.wait(0.3)
        SlowBackend.under_way -= 1
        return super().submit(phone, text)


def test_two_workers_do_not_call_one_number_at_once(configure):
    configure(CHANNELS={"sms": {"BACKEND": f"{__name__}.SlowBackend"}})
    send()
    send(purpose="register")
    ids = [message_id for message_id, _, _ in dispatchers.queue]

    workers = [threading.Thread(target=run_and_close, args=(message_id,)) for message_id in ids * 2]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert SlowBackend.most == 1
    assert list(Message.objects.values_list("state", flat=True)) == ["submitted", "submitted"]
    first, second = Message.objects.order_by("taken_at")
    assert (second.taken_at - first.finished_at).total_seconds() >= 1


def run_and_close(message_id):
    try:
        tasks.run(message_id)
    finally:
        connection.close()


@pytest.fixture
def shut_platform(_queue, configure):
    """Every place for calls of this process is taken by another thread, until the event is set."""
    configure(PLATFORM_CONCURRENCY=1)  # which forgets all places
    inside, leave = threading.Event(), threading.Event()

    def hold():
        with acquire_permit("sms"):
            inside.set()
            leave.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    inside.wait(60)
    yield leave
    leave.set()
    holder.join()


def test_a_request_needs_no_permit_when_a_worker_will_call(shut_platform):
    send()

    assert Message.objects.get().state == "queued"


def test_a_worker_waits_with_its_message_until_the_platform_may_be_called(shut_platform, outbox):
    send()
    threading.Timer(0.3, shut_platform.set).start()

    dispatchers.work()

    assert (len(outbox), Message.objects.get().state) == (1, "submitted")


def test_a_worker_does_not_wait_with_a_message_that_has_become_too_old(shut_platform, outbox):
    send()
    let_pass(seconds=31)

    dispatchers.work()

    message = Message.objects.get()
    assert (list(outbox), message.state, message.fault, message.counted) == ([], "unsent", "too_old", False)


@pytest.fixture
def _queue_is_down(_queue, configure):
    configure(DISPATCHER=dispatchers.FAILING, DISPATCH_FALLBACK="inline")


@pytest.mark.usefixtures("_queue_is_down", "shut_platform")
def test_a_request_that_replaces_a_queue_that_is_down_does_not_wait_for_a_permit(outbox):
    with pytest.raises(exceptions.SendingUnavailable):
        send()

    message = Message.objects.get()
    assert (list(outbox), message.state, message.fault, message.counted) == ([], "unsent", "not_called", False)


@pytest.fixture
def _blocked_marketing(_queue, configure):
    """The accounts of two channels are refused, for all that this process knows, and that of the third is not."""
    channels = ["sms", "marketing", "voice"]
    configure(DISPATCHER=dispatchers.DEFERRING, CHANNELS={channel: failing()["sms"] for channel in channels})
    for channel in channels[1:]:
        with acquire_permit(channel) as permit:
            permit.call(lambda: Submission(outcome=Outcome.REFUSED, code=4051, text="", elapsed=0.1))


@pytest.mark.usefixtures("_blocked_marketing")
def test_a_channel_that_is_down_delays_no_code_on_another_channel(outbox):
    issued = send()
    dispatchers.work()
    let_pass(seconds=61)
    for number in range(3):
        notify(f"1390013900{number}", channel="marketing")
    send(verification_id=issued.verification_id, channel="voice")
    send("13700137000")

    dispatchers.work()

    assert len(outbox) == 2
    waiting = Message.objects.filter(state="queued").order_by("pk")
    assert [message.channel for message in waiting] == ["marketing"] * 3 + ["voice"]
    assert [(ids, kind) for ids, kind, _ in dispatchers.later] == [([message.pk], message.kind) for message in waiting]
    *of_notices, of_code = (seconds for _, _, seconds in dispatchers.later)
    # A code has no time, and another worker may be let through.
    assert (all(2 < seconds <= 30 for seconds in of_notices), of_code) == (True, 2)


@pytest.mark.usefixtures("_blocked_marketing")
def test_a_chunk_goes_back_as_one_task_while_the_breaker_is_open(configure, outbox):
    ids = [notify(f"1390013900{number}", channel="marketing").pk for number in range(5)]
    dispatchers.queue.clear()

    tasks.run_many(ids)

    [(left, kind, seconds)] = dispatchers.later
    assert (sorted(left), kind, 2 < seconds <= 30, list(outbox)) == (ids, "notice", True, [])


@pytest.mark.usefixtures("_blocked_marketing")
def test_a_message_that_waited_leaves_when_the_breaker_closes(outbox):
    message = notify(channel="marketing")
    dispatchers.work()
    admission.forget()

    tasks.run_many(dispatchers.later[0][0])

    message.refresh_from_db()
    assert (message.state, len(outbox)) == ("submitted", 1)


@pytest.mark.usefixtures("_blocked_marketing")
def test_a_message_of_the_process_s_own_queue_waits_behind_the_others(outbox, monkeypatch):
    monkeypatch.setattr(in_process, "_pool", pool := ThreadPoolExecutor(1))
    waiting, other = notify(channel="marketing"), notify("13900139000")

    for message in (waiting, other):
        in_process.deliver_later(message.pk, using="default")
    wait_until(lambda: len(outbox) == 1)
    admission.forget()
    wait_until(lambda: len(outbox) == 2)
    pool.shutdown()

    assert [text.phone for text in outbox] == [other.phone, waiting.phone]


def wait_until(is_so):
    deadline = time.monotonic() + 60
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.01)


@pytest.mark.usefixtures("shut_platform")
def test_a_worker_holds_a_waiting_message_for_a_moment_and_puts_it_back(monkeypatch):
    monkeypatch.setattr(queue, "MAX_HOLD", 0.1)
    send()
    [task] = dispatchers.queue
    dispatchers.queue.clear()

    tasks.run(task[0])

    assert dispatchers.queue == [task]
    assert Message.objects.get().state == "queued"


@pytest.mark.usefixtures("shut_platform")
@pytest.mark.parametrize("run", [tasks.run, lambda message_id: tasks.run_many([message_id])], ids=["one", "run"])
def test_a_notice_that_waits_gives_way_to_a_code(run):
    """Also in a run of one, and with one thread, where nobody else looks whether a code waits."""
    notice = notify()
    send("13900139000")
    let_pass(seconds=1)
    dispatchers.queue.clear()

    run(notice.pk)

    assert dispatchers.queue == [(notice.pk, "notice", "default")]
