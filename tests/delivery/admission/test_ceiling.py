"""ACCOUNT_RATE: so many messages leave by an account within a second, and not one more."""

import contextlib
import time

import pytest
from django.db import OperationalError, connection, transaction

from django_ihuyi import delivery, exceptions, tasks
from django_ihuyi.backends import BaseBackend
from django_ihuyi.client.outcomes import Outcome, Submission
from django_ihuyi.delivery import bulk, dispatch
from django_ihuyi.delivery.admission import ceiling
from django_ihuyi.models import Kind, Message, Recipient
from django_ihuyi.models.places import Place
from django_ihuyi.verification import send_code
from tests.support import dispatchers
from tests.support.time_travel import let_pass
from tests.support.use_cases import PHONE, failing

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("outbox")]

TEMPLATES = {"code": {"TEXT": "{code}"}, "sale": {"TEXT": "新品上架，回复TD退订。"}}


@pytest.fixture(autouse=True)
def _own_settings(configure):
    configure(TEMPLATES=TEMPLATES, ACCOUNT_RATE={"sms": 5})


def take(kind=Kind.NOTICE, channel="sms"):
    return ceiling.take_place(channel, kind=kind, using="default")


def take_all(kind=Kind.NOTICE):
    """Take places until there is none."""
    places = []
    with contextlib.suppress(ceiling.Full):
        while True:
            places.append(take(kind))
    return places


def use(places):
    for place in places:
        with place:
            place.use()


def test_there_are_as_many_places_as_the_rate_says_and_one_of_them_for_codes():
    assert len(take_all()) == 4
    assert len(take_all(Kind.CODE)) == 1


def test_a_rate_of_one_is_shared(configure):
    configure(ACCOUNT_RATE={"sms": 1})

    assert len(take_all()) == 1


def test_a_place_is_free_a_second_after_the_end_of_its_call():
    use(take_all(Kind.CODE))

    with pytest.raises(ceiling.Full) as full:
        take(Kind.CODE)
    let_pass(seconds=1)

    assert 0.5 < full.value.wait <= 1
    assert len(take_all(Kind.CODE)) == 5


def test_while_a_call_lasts_its_place_is_not_free():
    take_all(Kind.CODE)
    let_pass(seconds=10)

    with pytest.raises(ceiling.Full):
        take(Kind.CODE)


def test_a_place_that_was_not_used_is_free_at_once():
    for place in take_all(Kind.CODE):
        with place:
            pass

    assert take(Kind.CODE)


def test_the_place_of_a_process_that_died_comes_free_and_it_cannot_give_it_back_any_more():
    dead = take_all(Kind.CODE)
    let_pass(seconds=20)
    take_all(Kind.CODE)

    use(dead)
    let_pass(seconds=10)

    with pytest.raises(ceiling.Full):
        take(Kind.CODE)


def test_who_was_stopped_with_a_place_makes_no_call(monkeypatch):
    place = take()
    now = time.monotonic()
    monkeypatch.setattr(ceiling, "monotonic", lambda: now + 11)

    with pytest.raises(exceptions.SendingUnavailable):
        place.use()


def test_another_channel_has_no_ceiling():
    take_all(Kind.CODE)

    assert take(channel="voice") is None


def test_a_rate_that_is_raised_has_more_places(configure):
    take_all(Kind.CODE)
    configure(ACCOUNT_RATE={"sms": 8})

    assert len(take_all(Kind.CODE)) == 3


def test_without_a_rate_nobody_asks_the_database(configure, django_assert_num_queries):
    configure(ACCOUNT_RATE={})

    with django_assert_num_queries(0):
        assert take() is None


def test_a_code_waits_for_a_place_when_there_is_none(outbox):
    use(take_all(Kind.CODE))
    began = time.monotonic()

    send_code(PHONE, purpose="login")

    assert len(outbox) == 1
    assert time.monotonic() - began > 0.5


def test_a_code_that_waits_in_vain_is_refused_and_counts_for_nothing(configure, outbox, monkeypatch):
    monkeypatch.setattr(ceiling, "PATIENCE", 0.1)
    take_all(Kind.CODE)

    with pytest.raises(exceptions.SendingUnavailable):
        send_code(PHONE, purpose="login")

    assert list(outbox) == []
    assert Message.objects.values_list("state", "counted", "fault").get() == ("unsent", False, "not_called")


def test_a_code_that_has_become_too_old_while_it_waited_for_a_place_is_not_sent(outbox):
    send_code(PHONE, purpose="login")
    outbox.clear()
    Message.objects.update(state="sending", finished_at=None)
    use(take_all(Kind.CODE))

    dispatch.dispatch(Message.objects.get(), using="default", asked_at=time.monotonic() - 29.8)

    assert list(outbox) == []
    assert Message.objects.values_list("state", "counted", "fault").get() == ("unsent", False, "too_old")


def test_a_queued_message_waits_for_its_turn(configure, outbox):
    configure(DISPATCHER=dispatchers.KEEPING)
    use(take_all(Kind.CODE))
    delivery.send(PHONE, template="sale")
    began = time.monotonic()

    dispatchers.work()

    assert (len(outbox), Message.objects.get().state) == (1, "submitted")
    assert time.monotonic() - began > 0.5


@pytest.mark.parametrize(
    ("times", "number", "state"),
    [(2, 1213, "submitted"), (9, 1213, "unsent"), (9, 2013, "unsent")],
    ids=["a deadlock that passes", "one that does not", "a lost connection"],
)
def test_a_database_that_fails_to_give_a_place_does_not_strand_the_message(outbox, caplog, times, number, state):
    take_all(Kind.CODE)  # makes them
    let_pass(seconds=30)
    failures = iter(range(times))

    def fail(execute, sql, *rest):
        if "ihuyi_place" in sql and next(failures, None) is not None:
            raise OperationalError(number, "no place")
        return execute(sql, *rest)

    with connection.execute_wrapper(fail), contextlib.suppress(exceptions.SendingUnavailable):
        send_code(PHONE, purpose="login")

    message = Message.objects.get()
    assert (len(outbox), message.state, message.counted) == (
        (1, "submitted", True) if state == "submitted" else (0, "unsent", False)
    )


def test_a_refusal_of_the_platform_takes_a_place_as_well(configure):
    configure(CHANNELS=failing(outcome="refused", result_code=406), ACCOUNT_RATE={"sms": 1})
    with pytest.raises(exceptions.NumberRefused):
        delivery.send(PHONE, template="sale")

    with pytest.raises(ceiling.Full):
        take()


def test_a_place_that_cannot_be_given_back_does_not_cost_the_outcome(monkeypatch, caplog):
    def break_down(*_, **__):
        raise ceiling.Error("no database")

    monkeypatch.setattr(type(Place.objects.all()), "give_back", break_down)

    delivery.send(PHONE, template="sale")

    assert Message.objects.get().state == "submitted"
    assert "cannot be given back" in caplog.text


def test_rows_of_a_batch_wait_for_their_places_for_as_long_as_it_takes(configure, outbox, monkeypatch):
    """Without a queue: longer than a request would, and before they are written."""
    monkeypatch.setattr(ceiling, "PATIENCE", 0.1)
    configure(ACCOUNT_RATE={"sms": 1})
    rows = [f"1380013800{number}" for number in range(3)]

    [fates] = bulk.send(rows, template="sale", threads=3)

    assert [fate.error for fate in fates] == [None] * 3
    assert list(Message.objects.values_list("state", flat=True)) == ["submitted"] * 3
    assert len(outbox) == 3


def test_a_row_that_may_not_be_sent_uses_no_place(configure):
    configure(ACCOUNT_RATE={"sms": 1})
    delivery.send(PHONE, template="sale")
    let_pass(seconds=1)
    Recipient.objects.get().suppress(408)

    list(bulk.send([PHONE], template="sale"))

    assert take()


def test_a_batch_in_a_transaction_takes_its_places_when_it_leaves(configure, outbox):
    configure(ACCOUNT_RATE={"sms": 1})

    with transaction.atomic():
        delivery.send_many(["13800138000", "13900139000"], template="sale")
        before = (len(outbox), Place.objects.count())

    assert (before, len(outbox)) == ((0, 0), 2)


class WatchingBackend(BaseBackend):
    """Notes when each call began."""

    began = []

    def submit(self, phone, text):
        self.began.append(time.monotonic())
        return Submission(outcome=Outcome.ACCEPTED, code=2, text="", platform_id=str(len(self.began)), elapsed=0.0)


def test_of_many_threads_no_more_than_the_rate_leave_within_any_second(configure):
    WatchingBackend.began.clear()
    path = f"{WatchingBackend.__module__}.{WatchingBackend.__qualname__}"
    configure(
        DISPATCHER=dispatchers.KEEPING, PLATFORM_CONCURRENCY=16, CHANNELS={"sms": {"BACKEND": path}},
        ACCOUNT_RATE={"sms": 8},
    )  # fmt: skip
    for number in range(20):
        delivery.send(f"1380013{number:04}", template="sale")

    tasks.run_many([message_id for message_id, _, _ in dispatchers.queue])

    began = sorted(WatchingBackend.began)
    assert len(began) == 20
    # Seven, because one is for codes.
    assert all(later - earlier >= 1.0 for earlier, later in zip(began, began[7:], strict=False))
