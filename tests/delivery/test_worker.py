"""A worker: what it does with one message, or with a chunk of a hundred, and when it gives way."""

import pytest

from django_ihuyi import tasks
from django_ihuyi.backends.locmem import LocmemBackend
from django_ihuyi.delivery import bulk, worker
from django_ihuyi.models import Message, State
from django_ihuyi.verification import send_code
from tests.delivery.test_bulk import (  # noqa: F401 - two fixtures among them
    PHONES,
    _own_settings,
    _queue,
    phones_of,
    sale,
    states,
    with_a_queue,
)
from tests.support import dispatchers
from tests.support.time_travel import let_pass
from tests.support.use_cases import failing

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("outbox")]


@with_a_queue
def test_a_chunk_delivers_its_messages_each_once(outbox):
    messages = sale(PHONES).sent
    ids = [message.pk for message in messages]

    tasks.run_many(ids)
    tasks.run_many([*ids, 4_000_000_000])

    assert phones_of(outbox) == PHONES
    assert set(Message.objects.values_list("state", flat=True)) == {"submitted"}


@with_a_queue
def test_a_chunk_gives_way_to_a_code_and_goes_back_into_the_queue(configure, outbox, monkeypatch):
    monkeypatch.setattr(worker, "GLANCE", 0)
    configure(PLATFORM_CONCURRENCY=1)
    ids = [message.pk for message in sale(PHONES).sent]
    dispatchers.queue.clear()
    send_code("13900139000", purpose="login")
    let_pass(seconds=1)

    tasks.run_many(ids)

    kinds = [kind for _, kind, _ in dispatchers.queue]
    assert (len(outbox), kinds) == (1, ["code", *["notice"] * 11])
    dispatchers.work()
    assert (len(outbox), states()) == (13, {"submitted"})


@with_a_queue
def test_a_chunk_ends_after_a_while_also_when_the_platform_is_down(configure, outbox, monkeypatch):
    monkeypatch.setattr(worker, "LONGEST", 0.2)
    configure(CHANNELS=failing(outcome="unsent"))
    ids = [message.pk for message in sale(PHONES).sent]
    dispatchers.queue.clear()

    tasks.run_many(ids)

    waiting = Message.objects.filter(state=State.QUEUED)
    assert 0 < len(waiting) == len(dispatchers.queue) < 12
    assert sorted(message_id for message_id, _, _ in dispatchers.queue) == sorted(waiting.values_list("pk", flat=True))


class RaisingBackend(LocmemBackend):
    """A backend of a host's own that fails as none should."""

    def submit(self, phone, text):
        if phone.endswith(PHONES[3]):
            raise LookupError("nobody expects this")
        return super().submit(phone, text)


@with_a_queue
def test_one_message_that_raises_does_not_keep_the_others(configure, outbox, caplog):
    configure(CHANNELS={"sms": {"BACKEND": f"{__name__}.RaisingBackend"}})
    messages = sale(PHONES).sent

    tasks.run_many([message.pk for message in messages])

    assert len(outbox) == 11
    assert f"message {messages[3].pk} cannot be delivered" in caplog.text
    # Nobody knows how far the backend came.
    assert Message.objects.get(pk=messages[3].pk).state == "sending"


@with_a_queue
def test_one_message_whose_template_is_gone_does_not_keep_the_others_and_is_sent_when_it_is_back(configure, outbox):
    rows = [*PHONES[:3], bulk.Row(number=PHONES[3])]
    messages = sale(rows).sent
    Message.objects.filter(pk=messages[3].pk).update(template="gone")

    tasks.run_many([message.pk for message in messages])
    before = phones_of(outbox)
    dispatchers.queue.clear()
    sale(rows)
    dispatchers.work()

    assert (before, phones_of(outbox)) == (PHONES[:3], PHONES[:4])
