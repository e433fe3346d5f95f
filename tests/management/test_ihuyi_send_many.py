"""manage.py ihuyi_send_many, as a person runs it."""

import io
import os
import signal
import time

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from django_ihuyi.backends.locmem import LocmemBackend
from django_ihuyi.delivery.admission.circuit_breaker import FAILURES
from django_ihuyi.management.commands import ihuyi_send_many
from django_ihuyi.models import Message
from django_ihuyi.models.batches import BatchRow
from tests.support import dispatchers
from tests.support.time_travel import let_pass
from tests.support.use_cases import failing

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("outbox")]

TEMPLATES = {"code": {"TEXT": "{code}"}, "sale": {"TEXT": "新品上架"}, "shipped": {"TEXT": "订单{1}已由{2}发出。"}}


@pytest.fixture(autouse=True)
def _own_settings(configure):
    configure(TEMPLATES=TEMPLATES)


@pytest.fixture
def file(tmp_path):
    """Write a file, as in `file("phone\\n13800138000\\n", name="a.csv")`."""

    def write(text, *, name="rows.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return write


def numbers(count):
    return [f"1380013{number:04}" for number in range(count)]


def table(count):
    return "phone\n" + "".join(f"{number}\n" for number in numbers(count))


def run(path, *options, batch="spring", template="sale", **more):
    """Return the exit code and the lines."""
    out = io.StringIO()
    arguments = ["ihuyi_send_many", str(path), "--batch", batch, "--template", template, *options]
    try:
        call_command(*arguments, stdout=out, **more)
    except SystemExit as end:
        return end.code, out.getvalue().splitlines()
    return 0, out.getvalue().splitlines()


def sent_to(outbox):
    return sorted(text.phone.removeprefix("+86") for text in outbox)


@pytest.mark.parametrize("threads", ["1", "4"])
def test_each_number_of_a_file_gets_its_message_once(file, outbox, threads):
    path = file(table(250))

    first = run(path, "--threads", threads)
    second = run(path, "--threads", threads)

    assert sent_to(outbox) == numbers(250)
    assert (first[0], second[0]) == (0, 0)
    assert second[1][-1].startswith("250 of 250: 250 sent, 0 unknown, 0 refused, 0 unsent, 0 on their way; 0.0 a")


def test_a_paced_command_begins_at_most_so_many_rows_a_second(file, outbox):
    began = time.monotonic()

    code, _ = run(file(table(25)), "--rate", "10", "--threads", "4")

    assert (code, sent_to(outbox)) == (0, numbers(25))
    assert time.monotonic() - began >= 2.0  # the 11th row waits for a second, the 21st for two


def test_a_negative_rate_is_an_error_and_sends_nothing(file, outbox):
    with pytest.raises(CommandError, match="rows a second"):
        run(file(table(3)), "--rate", "-1")

    assert list(outbox) == []


def test_columns_beside_the_number_fill_the_template_in_their_order(file, outbox):
    path = file("\ufefforder,Phone,carrier\nA17,138 0013 8000,顺丰\n\n")

    assert run(path, template="shipped")[0] == 0
    assert [text.content for text in outbox] == ["订单A17已由顺丰发出。"]


def test_a_spreadsheet_may_have_written_it_in_gbk(file, outbox):
    path = file("phone,order,carrier\n13800138000,A17,顺丰\n", encoding="gbk")

    with pytest.raises(CommandError, match="not encoded in utf-8"):
        run(path, template="shipped")
    run(path, "--encoding", "gbk", template="shipped")

    assert [text.content for text in outbox] == ["订单A17已由顺丰发出。"]


def test_json_lines_are_read_as_well(file, outbox):
    path = file('{"phone": "13800138000", "variables": ["A17", "顺丰"]}\n\n', name="rows.jsonl")

    assert run(path, template="shipped")[0] == 0
    assert [text.content for text in outbox] == ["订单A17已由顺丰发出。"]


@pytest.mark.parametrize(
    ("text", "name", "complaint"),
    [
        ("", "a.csv", "the first line must name the columns"),
        ("number\n13800138000\n", "a.csv", "one of them 'phone'"),
        ("phone,order\n13800138000\n", "a.csv", "line 2 has more or fewer cells"),
        ('{"number": "13800138000"}\n', "a.jsonl", "line 1 is not a JSON object with the member 'phone'"),
        ('"13800138000"\n', "a.jsonl", "line 1 is not a JSON object"),
        ("13800138000\n{}\n", "a.jsonl", "line 1 is not a JSON object"),
        ('{"phone": 13800138000}\n', "a.jsonl", "must be a string"),
        ('{"phone": "13800138000", "variables": "A17"}\n', "a.jsonl", "a list of strings"),
    ],
)
def test_a_file_that_cannot_be_read_sends_nothing(file, outbox, text, name, complaint):
    with pytest.raises(CommandError, match=complaint) as error:
        run(file(text, name=name))

    assert "13800138000" not in str(error.value)
    assert list(outbox) == []


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(CommandError, match=r"none\.csv"):
        run(tmp_path / "none.csv")


@pytest.mark.parametrize("wrong", [{"template": "pigeon"}, {"channel": "pigeon"}], ids=str)
def test_what_is_not_configured_is_an_error(file, wrong):
    with pytest.raises(CommandError):
        run(file(table(1)), **wrong)


def test_another_file_under_the_same_name_is_an_error(file):
    run(file(table(3)))

    with pytest.raises(CommandError, match="row 1 went to another number"):
        run(file("phone\n13900139000\n"))


def test_rows_that_are_refused_are_counted_by_their_reasons(file):
    path = file("phone\n13800138000\n138\n\n139\n" + "13900139000\n" * 6)
    dispatched = run(path, "--threads", "1", "-v", "2")

    assert dispatched[0] == 1
    assert dispatched[1][0].startswith("row 2: not sent. enter a mobile number")
    assert "  resend_too_soon: 5" in dispatched[1]
    assert "  invalid: 2" in dispatched[1]
    assert not any("138001" in line for line in dispatched[1])


def test_with_a_queue_it_ends_when_all_are_in_it(configure, file, outbox):
    configure(DISPATCHER=dispatchers.KEEPING)

    exit_code, lines = run(file(table(3)))
    before = len(outbox)
    dispatchers.work()

    assert (exit_code, before, len(outbox)) == (0, 0, 3)
    assert lines[-1] == "3 wait in the queue, and leave without this command."


class WorkingDispatcher(dispatchers.KeepingDispatcher):
    """A queue whose worker looks at it whenever something is put into it, and has lost the first tasks of all."""

    lost = 0

    def enqueue(self, message_id, *, kind, using):
        if WorkingDispatcher.lost:
            WorkingDispatcher.lost -= 1
            return
        super().enqueue(message_id, kind=kind, using=using)
        dispatchers.work()


def test_it_waits_for_the_queue_if_told_to_and_puts_into_it_what_a_worker_has_lost(
    configure, file, outbox, monkeypatch
):
    monkeypatch.setattr(ihuyi_send_many, "STALLED", 0.2)
    configure(DISPATCHER="tests.management.test_ihuyi_send_many.WorkingDispatcher")
    WorkingDispatcher.lost = 2

    exit_code, lines = run(file(table(5)), "--wait")

    assert (exit_code, sent_to(outbox)) == (0, numbers(5))
    assert any(line.startswith("Nothing has moved") for line in lines)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["INT", "TERM"])
def test_a_signal_stops_it_and_the_next_start_goes_on(configure, file, outbox, number):
    configure(DISPATCHER="tests.management.test_ihuyi_send_many.StoppingDispatcher")
    StoppingDispatcher.signal = number
    before = signal.getsignal(number)

    stopped = run(file(table(250)), "--wait", "--threads", "1")
    configure(DISPATCHER=dispatchers.KEEPING)
    dispatchers.work()
    resumed = run(file(table(250)), "--threads", "1")
    dispatchers.work()

    assert stopped[0] == 1
    assert stopped[1][-1] == "Stopped. Start it again with the same file and --batch spring."
    assert (resumed[0], sent_to(outbox)) == (0, numbers(250))
    assert signal.getsignal(number) == before


class StoppingDispatcher(dispatchers.KeepingDispatcher):
    """A queue during whose first task somebody stops the command."""

    signal = signal.SIGINT

    def enqueue_many(self, message_ids, *, using):
        super().enqueue_many(message_ids, using=using)
        os.kill(os.getpid(), self.signal)


class SlowBackend(LocmemBackend):
    """Takes a moment for each answer."""

    def submit(self, phone, text):
        time.sleep(0.01)
        return super().submit(phone, text)


def test_more_threads_than_calls_wait_for_each_other_and_no_row_is_refused(configure, file, outbox):
    configure(CHANNELS={"sms": {"BACKEND": f"{__name__}.SlowBackend"}}, PLATFORM_CONCURRENCY=2)

    exit_code, lines = run(file(table(30)), "--threads", "6")

    assert (exit_code, sent_to(outbox)) == (0, numbers(30))
    assert lines[-1].startswith("30 of 30: 30 sent")


@pytest.mark.parametrize("threads", ["1", "4"])
def test_it_stops_when_the_platform_is_down_and_the_next_start_goes_on(configure, file, outbox, threads):
    configure(CHANNELS=failing(outcome="unsent"))
    path = file(table(250))

    exit_code, lines = run(path, "--threads", threads)
    tried = Message.objects.count()
    configure(CHANNELS=failing())
    resumed = run(path)

    assert exit_code == 1
    assert lines[0].startswith("sending is not possible now: try again in ")
    assert lines[1].startswith(f"{tried} of 250: 0 sent, 0 unknown, 0 refused, {tried} unsent, 0 on their way")
    assert lines[2:] == ["Stopped. Start it again with the same file and --batch spring."]
    # What failed until that was known, and no other row.
    assert tried == FAILURES
    assert (resumed[0], sent_to(outbox)) == (0, numbers(250))


def test_no_more_than_a_backlog_waits_in_the_queue(configure, file, monkeypatch):
    monkeypatch.setattr(ihuyi_send_many, "BACKLOG", 150)
    waited = []

    def work_when_full(**_):
        waited.append(Message.objects.filter(state="queued").count())
        dispatchers.work()

    monkeypatch.setattr(ihuyi_send_many, "recover_when_due", work_when_full)
    configure(DISPATCHER=dispatchers.KEEPING)

    assert run(file(table(450)))[0] == 0
    assert waited == [200, 200]


def test_it_tells_how_far_it_is(configure, file, monkeypatch):
    monkeypatch.setattr(ihuyi_send_many, "TELL_EVERY", 0)

    _, lines = run(file(table(250)))

    assert [line.split(":")[0] for line in lines[:3]] == ["100 of 250", "200 of 250", "250 of 250"]


def test_a_batch_is_forgotten_with_its_messages(file, settings):
    run(file(table(3)))
    let_pass(days=181)

    call_command("ihuyi_purge", stdout=io.StringIO())

    assert (BatchRow.objects.count(), Message.objects.count()) == (0, 0)
