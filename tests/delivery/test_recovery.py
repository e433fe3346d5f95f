"""Recovery: what a dead worker has left gets an end, once, and what is alive is left alone."""

import io
from importlib import import_module

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, transaction
from django.db.transaction import TransactionManagementError

from django_ihuyi import signals, tasks
from django_ihuyi.backends.locmem import LocmemBackend
from django_ihuyi.client.outcomes import Outcome, Submission
from django_ihuyi.database import transactions
from django_ihuyi.database.clock import DatabaseNow
from django_ihuyi.delivery import call, recovery
from django_ihuyi.delivery.recovery import Recovered, recover
from django_ihuyi.management.commands.ihuyi_recover import Command
from django_ihuyi.models import Message, Verification
from django_ihuyi.models.messages import MessageQuerySet
from django_ihuyi.verification import VerdictOutcome
from tests.support.time_travel import let_pass
from tests.support.use_cases import failing, guess_right, send

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("outbox")]

ACCEPTED = Submission(outcome=Outcome.ACCEPTED, code=2, text="ok", platform_id="17955087820088600919", elapsed=70.0)


@pytest.fixture
def told():
    """What the signals tell: (signal, state), in their order."""
    heard = []

    def listener(name):
        return lambda sender, message, **_: heard.append((name, message.state))

    receivers = {name: listener(name) for name in ("message_changed", "code_sent")}
    for name, receiver in receivers.items():
        getattr(signals, name).connect(receiver)
    yield heard
    for name, receiver in receivers.items():
        getattr(signals, name).disconnect(receiver)


def leave(state="sending"):
    """Leave what a worker leaves that dies during the call, or a queue that loses a task."""
    issued = send()
    Message.objects.update(state=state, finished_at=None, platform_id="", result_code=None, duration=None)
    return issued


def test_a_message_that_is_being_sent_is_left_alone():
    leave()
    let_pass(seconds=59)

    assert recover() == Recovered()
    assert Message.objects.get().state == "sending"


def test_a_message_whose_worker_died_becomes_unknown_and_stays_counted(told):
    issued = leave()
    told.clear()
    let_pass(seconds=61)

    first, second = recover(), recover()

    message = Message.objects.get()
    assert (first, second) == (Recovered(unknown=1), Recovered())
    assert (message.state, message.counted, message.fault) == ("unknown", True, "worker_lost")
    assert told == [("message_changed", "unknown"), ("code_sent", "unknown")]
    # Perhaps it has arrived, and then it is good.
    assert guess_right(issued).outcome is VerdictOutcome.RIGHT


def test_a_message_counts_from_the_end_of_its_lease_whenever_it_is_found():
    leave()
    let_pass(hours=5)

    recover()

    message = Message.objects.get()
    assert (message.finished_at - message.created_at).total_seconds() == 60


def test_a_message_that_was_taken_late_has_its_lease_from_then():
    leave()
    let_pass(minutes=30)
    Message.objects.update(taken_at=calls_now())

    assert recover().unknown == 0
    let_pass(seconds=61)
    assert recover().unknown == 1


def calls_now():
    return DatabaseNow()


@pytest.mark.parametrize(("seconds", "unsent"), [(29, 0), (31, 1)])
def test_a_code_that_no_worker_took_becomes_unsent(told, seconds, unsent):
    leave("queued")
    told.clear()
    let_pass(seconds=seconds)

    assert recover() == Recovered(unsent=unsent)
    message = Message.objects.get()
    assert (message.state, message.counted) == (("unsent", False) if unsent else ("queued", True))
    assert told == [("message_changed", "unsent")] * unsent


@pytest.mark.parametrize(("minutes", "unsent"), [(58, 0), (60, 1)])
def test_a_notice_may_stay_in_the_queue_for_59_minutes(minutes, unsent):
    leave("queued")
    Message.objects.update(kind="notice")
    let_pass(minutes=minutes)

    assert recover().unsent == unsent


@pytest.mark.parametrize("state", ["submitted", "delivered", "undelivered", "refused", "unsent", "unknown"])
def test_a_final_state_is_kept(state):
    leave(state)
    let_pass(days=1)

    assert recover() == Recovered(ended=1)
    assert Message.objects.get().state == state


@pytest.mark.parametrize(
    ("end", "state"), [("withdraw", "sending"), ("withdraw", "submitted"), ("give_up", "submitted")]
)
def test_a_message_that_changed_after_recovery_read_it_is_not_ended(end, state):
    """The UPDATE checks the state for itself."""
    leave()
    message = Message.objects.get()
    Message.objects.update(state=state)

    assert getattr(Message.objects, end)(message, fault="too_old", text="") is False
    assert Message.objects.get().state == state


def test_more_than_a_batch_is_recovered_at_once(monkeypatch):
    monkeypatch.setattr(recovery, "BATCH", 2)
    for number in range(5):
        send(f"1380013800{number}")
    Message.objects.update(state="sending", finished_at=None)
    let_pass(hours=1)

    assert recover() == Recovered(unknown=5, ended=5)


def test_the_seeds_of_expired_verifications_are_blanked():
    send()
    let_pass(seconds=301)
    send("13900139000")

    assert recover().ended == 1
    assert sorted(map(bool, Verification.objects.values_list("seed", flat=True))) == [False, True]


def test_the_seed_of_a_live_verification_is_never_blanked():
    issued = send()

    assert Verification.objects.end_expired() == 0
    assert guess_right(issued).outcome is VerdictOutcome.RIGHT


def test_a_late_outcome_replaces_the_unknown_of_recovery(told):
    leave()
    let_pass(seconds=61)
    slow = Message.objects.select_related("recipient", "verification__recipient").get()
    recover()
    told.clear()

    call.settle(slow, ACCEPTED, using="default")

    message = Message.objects.get()
    assert (message.state, message.platform_id) == ("submitted", ACCEPTED.platform_id)
    # That the code is on its way was told by recovery.
    assert told == [("message_changed", "submitted")]


@pytest.mark.parametrize("outcome", [Outcome.UNSENT, Outcome.REFUSED])
def test_a_call_that_failed_after_all_gives_its_claim_back(outcome):
    leave()
    let_pass(seconds=61)
    slow = Message.objects.get()
    recover()

    code = 4072 if outcome is Outcome.REFUSED else None
    call.settle(slow, Submission(outcome=outcome, code=code, text="no", elapsed=70.0), using="default")

    message = Message.objects.get()
    assert (message.state, message.counted) == (outcome.value, False)


@pytest.mark.parametrize("state", ["submitted", "delivered", "undelivered", "refused", "unsent", "queued"])
def test_a_late_end_changes_nothing_else(told, state):
    leave(state)
    told.clear()

    call.settle(Message.objects.get(), ACCEPTED, using="default")

    assert (Message.objects.get().state, told) == (state, [])


def test_recovery_refuses_to_work_in_a_transaction_of_the_caller():
    with transaction.atomic(), pytest.raises(TransactionManagementError):
        recover()


def test_the_command_prints_what_it_found():
    leave()
    let_pass(seconds=61)
    output = io.StringIO()

    call_command("ihuyi_recover", stdout=output)

    assert output.getvalue() == "1 messages unknown, 0 unsent, 0 settled by their receipts, 0 verifications ended\n"


def test_the_command_refuses_an_invalid_pause():
    with pytest.raises(CommandError):
        call_command("ihuyi_recover", loop=0.0)


class Interrupted(Command):
    """Meets trouble in its first run, and somebody's Ctrl-C in the second."""

    runs = 0

    def _recover(self, database):
        self.runs += 1
        raise self.trouble if self.runs == 1 else KeyboardInterrupt


@pytest.mark.parametrize("trouble", [OperationalError("a text"), transactions.Contended()], ids=["database", "races"])
def test_the_looping_command_continues_after_an_error_and_prints_its_class(trouble):
    command, errors = Interrupted(stderr=io.StringIO()), io.StringIO()
    command.trouble = trouble

    with pytest.raises(KeyboardInterrupt):
        call_command(command, loop=0.01, stderr=errors)

    assert (command.runs, errors.getvalue()) == (2, f"{type(trouble).__name__}\n")


def test_a_worker_recovers_after_its_first_task_and_not_after_each(monkeypatch):
    monkeypatch.setattr(recovery, "_due", {})
    states = []
    for purpose in ("login", "register"):
        send(purpose=purpose)
        Message.objects.filter(purpose=purpose).update(state="sending", finished_at=None)
        let_pass(minutes=2)
        tasks.run(0)
        states.append(Message.objects.get(purpose=purpose).state)

    assert states == ["unknown", "sending"]


def test_a_worker_recovers_after_a_task_that_failed_too(monkeypatch):
    monkeypatch.setattr(recovery, "_due", {})
    leave()
    let_pass(seconds=61)

    with pytest.raises(ValueError, match="expected a number"):
        tasks.run("no id")

    assert Message.objects.get().state == "unknown"


def start_celery():
    """Tell as Celery does, in the process that watches over its workers, that they are ready."""
    celery = pytest.importorskip("celery")
    import_module("django_ihuyi.delivery.dispatchers.celery")
    celery.signals.worker_ready.send(sender=None)


def test_celery_recovers_when_its_workers_start():
    leave()
    let_pass(seconds=61)

    start_celery()

    assert Message.objects.get().state == "unknown"


def test_celery_starts_without_its_database_and_quotes_nothing(caplog):
    def fail(execute, sql, params, many, context):
        raise OperationalError("Key (phone)=(+8613800138000)")

    with connection.execute_wrapper(fail):
        start_celery()

    assert caplog.messages == ["recovery fails with OperationalError; after the next task it is tried again"]
    assert "13800138000" not in caplog.text


class DyingConnection(LocmemBackend):
    """Loses the connection to the database during the call, as a restart of the server does."""

    def submit(self, phone, text):
        if connection.vendor != "sqlite":
            kill_connection()
        return super().submit(phone, text)


def kill_connection():
    own, kill = {
        "postgresql": ("SELECT pg_backend_pid()", "SELECT pg_terminate_backend(%s)"),
        "mysql": ("SELECT CONNECTION_ID()", "KILL %s"),
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(own)
        [number] = cursor.fetchone()
    executioner = connection.copy()
    with executioner.cursor() as cursor:
        cursor.execute(kill, [number])
    executioner.close()


def test_an_outcome_survives_a_restart_of_the_database(configure):
    configure(CHANNELS={"sms": {"BACKEND": f"{__name__}.DyingConnection"}})

    send()

    assert Message.objects.get().state == "submitted"


@pytest.fixture
def deadlocks(monkeypatch):
    """Let the first statements that write an outcome end in a deadlock."""

    def arm(times):
        real, left = MessageQuerySet.settle, [times]

        def settle(self, message, **more):
            if left[0]:
                left[0] -= 1
                raise OperationalError(1213, "Deadlock found when trying to get lock")
            return real(self, message, **more)

        monkeypatch.setattr(MessageQuerySet, "settle", settle)

    return arm


def test_an_outcome_that_meets_deadlocks_is_written_all_the_same(deadlocks):
    deadlocks(2)

    send()

    assert Message.objects.get().state == "submitted"


def test_an_outcome_that_cannot_be_written_is_returned_and_left_to_recovery(deadlocks, caplog, told):
    deadlocks(1_000)

    issued = send()

    assert "cannot be written" in caplog.text
    assert (Message.objects.get().state, told) == ("sending", [])
    assert guess_right(issued).outcome is VerdictOutcome.RIGHT
    let_pass(seconds=61)
    assert recover().unknown == 1


def test_a_refusal_that_cannot_be_written_is_told_to_the_caller(deadlocks, configure):
    configure(CHANNELS=failing(outcome="refused", result_code=406))
    deadlocks(1_000)

    with pytest.raises(Exception, match="does not exist"):
        send()
