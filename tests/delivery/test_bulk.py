"""Bulk: batches that may be stopped and begun again, and send nothing twice."""

import threading
from functools import partial

import pytest
from django.db import IntegrityError, connection, transaction

from django_ihuyi import delivery, exceptions
from django_ihuyi.delivery import bulk
from django_ihuyi.models import Message, Recipient
from django_ihuyi.models.batches import BatchRow, RowTaken
from tests.support import dispatchers
from tests.support.time_travel import let_pass
from tests.support.use_cases import PHONE, failing

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("outbox")]

TEMPLATES = {
    "code": {"TEXT": "{code}"},
    "sale": {"TEXT": "新品上架，回复TD退订。"},
    "shipped": {"TEXT": "订单{1}已发出。"},
}
PHONES = [f"138001380{number:02}" for number in range(12)]


@pytest.fixture(autouse=True)
def _own_settings(configure):
    configure(TEMPLATES=TEMPLATES)


@pytest.fixture
def _queue(configure):
    configure(DISPATCHER=dispatchers.KEEPING)


with_a_queue = pytest.mark.usefixtures("_queue")
sale = partial(delivery.send_many, template="sale", batch="spring")


def phones_of(outbox):
    return sorted(text.phone.removeprefix("+86") for text in outbox)


def reasons(result):
    return {number: error.code for number, error in result.not_sent.items()}


@pytest.mark.parametrize("dispatcher", ["inline", dispatchers.KEEPING])
def test_a_batch_that_is_sent_again_sends_nothing_twice(configure, outbox, dispatcher):
    configure(DISPATCHER=dispatcher)

    first, second = sale(PHONES), sale(PHONES)
    dispatchers.work()
    let_pass(hours=1)
    third = sale(PHONES)
    dispatchers.work()

    assert [(len(result.sent), result.known) for result in (first, second, third)] == [(12, 0), (0, 12), (0, 12)]
    assert phones_of(outbox) == PHONES


def test_a_batch_of_another_name_is_another_one(outbox):
    sale(PHONES[:1])
    let_pass(seconds=2)
    sale(PHONES[:1], batch="summer")

    assert len(outbox) == 2


def test_without_a_name_every_call_is_a_batch_of_its_own(outbox):
    sale(PHONES[:1], batch="")
    let_pass(seconds=2)
    sale(PHONES[:1], batch="")

    assert (len(outbox), BatchRow.objects.count()) == (2, 0)


def test_a_call_that_was_cut_off_is_completed_by_the_next_one(outbox):
    chunks = bulk.send_in_chunks((number for number in PHONES[:5]), template="sale", batch="spring")
    next(chunks)

    result = sale(PHONES)

    assert (len(result.sent), result.known) == (7, 5)
    assert phones_of(outbox) == PHONES


@with_a_queue
def test_a_message_that_was_not_enqueued_is_enqueued_by_the_next_call(outbox):
    sale(PHONES)
    dispatchers.queue.clear()  # the process was killed between the two

    sale(PHONES)
    dispatchers.work()

    assert phones_of(outbox) == PHONES


def test_an_unsent_message_is_tried_again(configure, outbox):
    configure(CHANNELS=failing(outcome="unsent"))
    first = sale(PHONES[:3])
    configure(CHANNELS=failing())

    second, third = sale(PHONES[:3]), sale(PHONES[:3])

    assert set(reasons(first).values()) == {"sending_unavailable"}
    assert (len(second.sent), third.known) == (3, 3)
    assert phones_of(outbox) == PHONES[:3]
    assert sorted(row.message.state for row in BatchRow.objects.select_related("message")) == ["submitted"] * 3


@pytest.mark.parametrize("failure", [{"outcome": "unknown"}, {"outcome": "refused", "result_code": 406}], ids=str)
def test_a_message_that_may_have_left_or_was_refused_is_not_tried_again(configure, outbox, failure):
    configure(CHANNELS=failing(**failure))
    sale(PHONES[:1])
    configure(CHANNELS=failing())
    let_pass(hours=25)

    again = sale(PHONES[:1])

    assert (again.known, list(again.sent)) == (1, [])
    assert Message.objects.count() == 1


@pytest.mark.parametrize("result_code", [4051, 40501, 4080, None])
def test_a_message_refused_because_of_the_account_or_the_pace_is_tried_again(configure, outbox, result_code):
    configure(CHANNELS=failing(outcome="refused", result_code=406))
    sale(PHONES[:1])
    Message.objects.update(result_code=result_code)  # None: a proxy throttled the call
    configure(CHANNELS=failing())
    let_pass(seconds=2)

    again = sale(PHONES[:1])

    assert (again.known, len(again.sent)) == (0, 1)
    assert phones_of(outbox) == PHONES[:1]


@pytest.mark.parametrize("other", ["May", "may "])
def test_names_of_batches_are_told_apart_by_every_letter(outbox, other):
    sale(PHONES[:1], batch="may")
    let_pass(seconds=2)

    if connection.vendor == "mysql":  # which cannot tell them apart, and says so
        with pytest.raises(exceptions.BatchChanged, match="to this database"):
            sale(PHONES[:1], batch=other)
    else:
        sale(PHONES[:1], batch=other)

    assert len(outbox) == (1 if connection.vendor == "mysql" else 2)


def test_a_name_that_no_column_holds_is_refused(outbox):
    with pytest.raises(ValueError, match="64 characters"):
        sale(PHONES[:1], batch="x" * 65)

    assert list(outbox) == []


def test_rows_that_may_not_be_sent_say_why_and_stop_no_others(outbox):
    suppressed, full, fine = PHONES[:3]
    delivery.send(suppressed, template="sale")
    Recipient.objects.get().suppress(408)
    for _ in range(5):
        delivery.send(full, template="sale")
        let_pass(seconds=2)
    outbox.clear()

    result = sale([suppressed, "138", full, fine, "+44 7400 123456"])

    assert phones_of(outbox) == [fine]
    assert reasons(result) == {
        suppressed: "number_limit",
        "138": "invalid",
        full: "number_limit",
        "+44 7400 123456": "invalid",
    }


def test_a_phone_that_opted_out_gets_no_advertisement_of_a_batch(configure, outbox):
    configure(CHANNELS={"sms": failing()["sms"], "marketing": failing()["sms"]})
    delivery.send(PHONE, template="sale")
    Recipient.objects.get().opt_out()
    let_pass(seconds=2)

    result = sale([PHONE], channel="marketing")

    assert (reasons(result), len(outbox)) == ({PHONE: "opted_out"}, 1)


@with_a_queue
def test_a_number_that_stands_in_a_batch_ten_times_gets_five(outbox):
    result = sale([PHONE] * 10)

    assert (len(result.sent), reasons(result)) == (5, {PHONE: "number_limit"})


def test_rows_have_variables_of_their_own(outbox):
    rows = [bulk.Row(number=PHONES[0], variables=("A17",)), bulk.Row(number=PHONES[1]), PHONES[2]]

    result = delivery.send_many(rows, template="shipped", variables=["B18"])

    assert [text.content for text in outbox] == ["订单A17已发出。", "订单B18已发出。"]
    assert list(result.not_sent) == [PHONES[1]]


@pytest.mark.parametrize("wrong", [{"template": "pigeon"}, {"channel": "pigeon"}], ids=str)
def test_an_error_that_concerns_all_rows_is_raised(outbox, wrong):
    with pytest.raises((exceptions.UnknownTemplate, exceptions.UnavailableChannel)):
        sale(PHONES, **wrong)

    assert list(outbox) == []


@pytest.mark.parametrize("other", [PHONES[::-1], ["138"]], ids=["order", "number"])
def test_other_rows_under_the_same_name_are_refused(outbox, other):
    sale(PHONES)

    with pytest.raises(exceptions.BatchChanged, match="row 1 went to another number"):
        sale(other)

    assert phones_of(outbox) == PHONES


def test_rows_may_be_added_at_the_end(outbox):
    sale(PHONES[:6])

    assert len(sale(PHONES).sent) == 6


def test_a_number_in_another_spelling_is_the_same_and_so_is_one_that_was_erased():
    sale([PHONE])
    Recipient.objects.update(phone=None)

    assert sale(["138 0013-8000"]).known == 1


@with_a_queue
def test_calls_at_once_write_each_row_once(outbox):
    start, results = threading.Barrier(4), []

    def call():
        start.wait()
        results.extend(list(bulk.send_in_chunks(PHONES, template="sale", batch="spring", threads=2)))
        connection.close()

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (Message.objects.count(), BatchRow.objects.count(), len(results)) == (12, 12, 4)


def test_the_database_itself_writes_a_row_once():
    sale(PHONES[:1])
    row = BatchRow.objects.get()

    with pytest.raises(IntegrityError), transaction.atomic():
        BatchRow.objects.create(batch=row.batch, position=row.position, message=row.message)


def test_of_two_runs_that_write_a_row_again_one_writes_it():
    """The UPDATE checks that the row still names the message that both runs have read."""
    unsent, first, second = [delivery.send(number, template="sale") for number in PHONES[:3]]
    rows = BatchRow.objects
    rows.assign("spring", 1, message=unsent, instead_of=None)
    rows.assign("spring", 1, message=first, instead_of=unsent)

    with pytest.raises(RowTaken):
        rows.assign("spring", 1, message=second, instead_of=unsent)
    assert rows.at("spring", [1]) == {1: first}


@with_a_queue
def test_notices_are_enqueued_a_hundred_at_a_time(configure):
    configure(DISPATCHER="tests.delivery.test_bulk.NotingDispatcher")
    NotingDispatcher.chunks.clear()

    delivery.send_many([f"1390013{number:04}" for number in range(250)], template="sale")

    assert [len(chunk) for chunk in NotingDispatcher.chunks] == [100, 100, 50]


class NotingDispatcher(dispatchers.KeepingDispatcher):
    """Keeps chunks, too."""

    chunks = []

    def enqueue_many(self, message_ids, *, using):
        self.chunks.append(list(message_ids))
        super().enqueue_many(message_ids, using=using)


def test_without_a_queue_a_batch_falls_back_as_a_single_message_does(configure, outbox):
    configure(DISPATCHER=dispatchers.FAILING, DISPATCH_FALLBACK="refuse")
    refused = sale(PHONES)
    configure(DISPATCH_FALLBACK="inline")

    sent = sale(PHONES)

    assert (set(reasons(refused).values()), len(sent.sent)) == ({"sending_unavailable"}, 12)
    assert phones_of(outbox) == PHONES


@pytest.mark.parametrize("dispatcher", ["inline", dispatchers.KEEPING])
def test_inside_a_transaction_nothing_leaves_before_the_commit_and_nothing_after_a_rollback(
    configure, outbox, dispatcher
):
    configure(DISPATCHER=dispatcher)
    with transaction.atomic():
        sale(PHONES)
        transaction.set_rollback(True)
    with transaction.atomic():
        sale(PHONES)
        before = (len(outbox), len(dispatchers.queue))
    dispatchers.work()

    assert before == (0, 0)
    assert phones_of(outbox) == PHONES


def states():
    return set(Message.objects.values_list("state", flat=True))
