"""Who calls the platform: this process or a worker; and what happens while there is no queue."""

import time
from importlib.util import find_spec

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils import timezone

from django_ihuyi import delivery, exceptions
from django_ihuyi.client.outcomes import Outcome, Submission
from django_ihuyi.delivery import worker
from django_ihuyi.delivery.admission.permit import acquire_permit
from django_ihuyi.models import Message, Recipient
from django_ihuyi.verification import VerdictOutcome, get_status
from tests.support import dispatchers
from tests.support.time_travel import let_pass
from tests.support.use_cases import PHONE, failing, guess_right, send

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("outbox")]


@pytest.fixture
def _eager_celery():
    """Celery without a broker: a task is run where it is sent."""
    from celery import current_app  # noqa: PLC0415

    current_app.conf.task_always_eager = True
    yield
    current_app.conf.task_always_eager = False


@pytest.fixture(params=["inline", "tasks", "celery", dispatchers.KEEPING])
def _dispatcher(request, configure):
    """Each dispatcher, as far as it goes in one process; with workers, see proofs/test_dispatchers."""
    if request.param == "celery":
        request.getfixturevalue("_eager_celery")
    configure(DISPATCHER=request.param)


@pytest.mark.usefixtures("_dispatcher")
def test_every_dispatcher_brings_the_code_to_the_phone(outbox):
    issued = send()
    dispatchers.work()

    assert [text.phone for text in outbox] == [PHONE]
    assert Message.objects.get().state == "submitted"
    assert guess_right(issued).outcome is VerdictOutcome.RIGHT


@pytest.mark.usefixtures("_dispatcher")
def test_every_dispatcher_waits_for_the_commit(outbox):
    with transaction.atomic():
        send()
        before_commit = [*outbox, *dispatchers.queue]
    dispatchers.work()

    assert before_commit == []
    assert (len(outbox), Message.objects.get().state) == (1, "submitted")


@pytest.mark.usefixtures("_eager_celery")
@pytest.mark.parametrize("dispatcher", ["tasks", "celery"])
@pytest.mark.parametrize("code", [True, False], ids=["code", "notices"])
def test_a_queue_that_runs_tasks_at_once_does_not_recurse_while_the_breaker_is_open(
    configure, outbox, caplog, dispatcher, code
):
    configure(DISPATCHER=dispatcher, TEMPLATES={"shipped": {"TEXT": "{1}"}, "code": {"TEXT": "{code}"}})
    with acquire_permit("sms") as permit:
        permit.call(lambda: Submission(outcome=Outcome.REFUSED, code=4051, text="", elapsed=0.1))

    if code:
        send()
    else:
        delivery.send_many([PHONE], template="shipped", variables=["A17"])

    message = Message.objects.get()
    assert (list(outbox), message.state, message.fault, message.counted) == ([], "unsent", "not_called", False)
    assert "the queue does not take" not in caplog.text  # as it says at the end of all circles


@pytest.mark.usefixtures("_dispatcher")
def test_no_dispatcher_sends_after_a_rollback(outbox):
    with transaction.atomic():
        send()
        transaction.set_rollback(True)
    dispatchers.work()

    assert (list(outbox), dispatchers.queue, Message.objects.count()) == ([], [], 0)


@pytest.mark.usefixtures("_dispatcher")
@pytest.mark.parametrize(
    ("outcome", "state", "counted"),
    [("refused", "refused", False), ("unsent", "unsent", False), ("unknown", "unknown", True)],
)
def test_every_dispatcher_writes_the_outcome(configure, outcome, state, counted):
    configure(CHANNELS=failing(outcome=outcome))

    try:
        send()
    except exceptions.NotSent:
        assert Message.objects.get().taken_at is None  # only who waits for the call can be told of its end
    dispatchers.work()

    message = Message.objects.get()
    assert (message.state, message.counted) == (state, counted)


def test_a_queued_message_is_reported_as_pending(configure):
    configure(DISPATCHER=dispatchers.KEEPING)

    issued = send()

    message = Message.objects.get()
    assert (message.state, message.counted) == ("queued", True)
    assert get_status(issued.verification_id).delivery == "pending"


def test_a_task_is_an_id(configure):
    configure(DISPATCHER=dispatchers.KEEPING, TEMPLATES={"shipped": {"TEXT": "{1}"}, "code": {"TEXT": "{code}"}})

    send()
    notice = delivery.send("13900139000", template="shipped", variables=["A17"])

    assert dispatchers.queue == [
        (Message.objects.earliest("pk").pk, "code", "default"),
        (notice.pk, "notice", "default"),
    ]


def test_a_task_names_the_database_only_where_it_is_not_the_usual_one():
    assert (worker.database_argument("default"), worker.database_argument("archive")) == ({}, {"using": "archive"})


@pytest.fixture
def _dummy_tasks(settings):
    """A backend that keeps what is enqueued, and knows moments and priorities."""
    package = "django.tasks" if find_spec("django.tasks") else "django_tasks"
    settings.TASKS = {"default": {"BACKEND": f"{package}.backends.dummy.DummyBackend"}}


@pytest.mark.usefixtures("_dummy_tasks")
def test_a_message_that_must_wait_becomes_a_later_task_behind_new_codes():
    from django_ihuyi.delivery.dispatchers import django_tasks  # noqa: PLC0415

    queue, before = django_tasks.TasksDispatcher(), timezone.now()
    queue.enqueue(1, kind="code", using="default")
    queue.enqueue_later([2], kind="code", using="default", seconds=2)
    queue.enqueue_later([3, 4], kind="notice", using="default", seconds=30)
    queue.enqueue_later([5], kind="code", using="default", seconds=0)

    fresh, code, notices, at_once = (result.task for result in django_tasks.send_message.get_backend().results)
    assert (fresh.run_after, at_once.run_after, fresh.priority, at_once.priority) == (None, None, 10, 10)
    assert (code.priority, code.run_after > before, notices.run_after > code.run_after) == (9, True, True)
    assert [result.args for result in django_tasks.send_message.get_backend().results] == [[1], [2], [[3, 4]], [5]]


@pytest.fixture
def _celery_in_memory():
    from celery import Celery, _state  # noqa: PLC0415

    before = _state.get_current_app()
    Celery("tests", broker="memory://")
    yield
    before.set_current()


@pytest.mark.usefixtures("_celery_in_memory")
def test_celery_gets_it_with_a_countdown():
    from celery import signals  # noqa: PLC0415

    from django_ihuyi.delivery.dispatchers.celery import CeleryDispatcher  # noqa: PLC0415

    sent = []

    def note(headers, body, **_):
        sent.append((headers["task"].rpartition(".")[2], body[0], bool(headers["eta"])))

    signals.before_task_publish.connect(note)
    queue = CeleryDispatcher()
    queue.enqueue_later([2], kind="code", using="default", seconds=2)
    queue.enqueue_later([3, 4], kind="notice", using="default", seconds=30)
    signals.before_task_publish.disconnect(note)

    assert sent == [("send_code", [2], True), ("send_notices", [[3, 4]], True)]


@pytest.mark.parametrize(("kind", "ids"), [("code", [1]), ("notice", [2, 3])])
def test_an_engine_without_enqueue_later_gets_it_after_a_pause(kind, ids):
    began = time.monotonic()

    dispatchers.KeepingDispatcher().enqueue_later(ids, kind=kind, using="default", seconds=0.2)

    assert dispatchers.queue == [(message_id, kind, "default") for message_id in ids]
    assert time.monotonic() - began > 0.1


def test_a_queue_costs_no_statement_of_the_request_and_three_of_the_worker(configure, django_assert_max_num_queries):
    configure(DISPATCHER=dispatchers.KEEPING)
    send()
    dispatchers.work()
    let_pass(minutes=2)

    # A BEGIN and a COMMIT are counted with them, where the database is asked for them.
    with django_assert_max_num_queries(4 + 2):
        send()
    # Read the message and how its number stands, claim and take it, write the outcome.
    with django_assert_max_num_queries(5 + 2):
        dispatchers.work()


@pytest.mark.parametrize("dispatcher", [dispatchers.FAILING, dispatchers.DECEIVING])
def test_without_a_queue_the_requesting_process_may_call(configure, outbox, caplog, dispatcher):
    configure(DISPATCHER=dispatcher)

    issued = send()

    assert "the queue does not take message" in caplog.text
    assert (len(outbox), Message.objects.get().state) == (1, "submitted")
    assert guess_right(issued).outcome is VerdictOutcome.RIGHT


def test_without_a_queue_the_caller_gets_the_outcome(configure):
    configure(DISPATCHER=dispatchers.FAILING, CHANNELS=failing(outcome="refused", result_code=406))

    with pytest.raises(exceptions.NumberRefused):
        send()


def test_without_a_queue_a_send_may_be_refused_and_claims_nothing(configure, outbox):
    configure(DISPATCHER=dispatchers.FAILING, DISPATCH_FALLBACK="refuse")

    for _ in range(6):
        with pytest.raises(exceptions.SendingUnavailable) as refusal:
            send()

    assert (refusal.value.code, refusal.value.retry_after, list(outbox)) == ("sending_unavailable", 5, [])
    assert set(Message.objects.values_list("state", "counted", "fault")) == {("unsent", False, "queue_down")}
    configure(DISPATCHER="inline")
    assert send()


def test_a_queue_that_fails_after_it_sent_changes_no_outcome(configure, outbox):
    configure(DISPATCHER=dispatchers.DECEIVING, DISPATCH_FALLBACK="refuse")

    send()

    assert (len(outbox), Message.objects.get().state) == (1, "submitted")


@pytest.mark.parametrize("fallback", ["inline", "refuse"])
def test_a_queue_that_is_down_after_the_commit_is_written_to_the_message(configure, outbox, fallback):
    configure(DISPATCHER=dispatchers.FAILING, DISPATCH_FALLBACK=fallback)

    with transaction.atomic():
        send()

    arrived, state = {"inline": (1, "submitted"), "refuse": (0, "unsent")}[fallback]
    assert (len(outbox), Message.objects.get().state) == (arrived, state)


@pytest.mark.parametrize(
    "dispatcher",
    [
        "pigeon",
        "tests.support.dispatchers.NoDispatcher",
        "tests.support.dispatchers.Missing",
        "tests.no_module.Dispatcher",
    ],
)
def test_a_dispatcher_that_cannot_be_used_claims_nothing(configure, dispatcher):
    configure(DISPATCHER=dispatcher)

    with pytest.raises(ImproperlyConfigured, match="DISPATCHER"):
        send()

    assert (Message.objects.count(), Recipient.objects.count()) == (0, 0)
