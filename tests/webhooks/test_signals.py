"""W-09: what came is told after the commit, once for each change, and no receiver stops anything."""

import contextlib

import pytest
from django.db import transaction

from django_ihuyi import signals
from django_ihuyi.delivery import receipts
from django_ihuyi.models import Message, Reply
from django_ihuyi.models.receipts import Receipt
from tests.support.use_cases import PHONE
from tests.webhooks.conftest import row

pytestmark = pytest.mark.django_db


@contextlib.contextmanager
def heard_by(signal, receiver):
    signal.connect(receiver)
    try:
        yield
    finally:
        signal.disconnect(receiver)


@pytest.fixture
def changes(message):
    """What `message_changed` tells from here on: the message's state, and the state in its row at that moment."""
    told = []

    def listen(sender, message, **kwargs):
        told.append((sender, message.state, row(message).state))

    with heard_by(signals.message_changed, listen):
        yield told


@pytest.fixture
def replies():
    told = []

    def listen(sender, reply, **kwargs):
        told.append((sender, reply.recipient.phone, reply.content, Reply.objects.get(pk=reply.pk).content))

    with heard_by(signals.reply_received, listen):
        yield told


def test_each_change_is_told_once(platform, message, changes):
    for code in ("0", "0", "2", "2", "0"):
        platform.receipt(message, code=code)

    assert changes == [(Message, "undelivered", "undelivered"), (Message, "delivered", "delivered")]


def test_what_the_message_was_told_with_is_on_it(platform, message):
    told = []
    with heard_by(signals.message_changed, lambda sender, message, **kwargs: told.append(message)):
        platform.receipt(message, msg="BLACK-Y", code="0")

    stored = row(message)
    names = ["state", "receipt_code", "receipt_text", "reported_at", "received_at", "platform_id"]
    assert [getattr(told[0], name) for name in names] == [getattr(stored, name) for name in names]


def test_a_receipt_that_waited_is_told_when_it_changes_something(platform, message, changes):
    Message.objects.update(state="sending", platform_id="")
    platform.receipt(message)
    Message.objects.update(state="submitted", platform_id=message.platform_id)
    assert changes == []

    receipts.settle_unmatched()
    receipts.settle_unmatched()

    assert changes == [(Message, "delivered", "delivered")]


def test_a_reply_is_told_once(platform, message, replies):
    for _ in range(3):
        platform.reply("TD")

    assert replies == [(Reply, PHONE, "TD", "TD")]


def test_no_signal_for_a_reply_that_is_not_stored(platform, message, changes, replies):
    platform.receipt(message, smsid="1")
    platform.reply("TD", mobilephone="13700137000")

    assert (changes, replies) == ([], [])


@pytest.mark.parametrize(("push", "name"), [("receipt", "message_changed"), ("reply", "reply_received")])
def test_a_failing_receiver_does_not_stop_the_others(platform, message, changes, replies, push, name):
    def fail(sender, **kwargs):
        raise RuntimeError("a bug of the host")

    signal = getattr(signals, name)
    told = []
    with heard_by(signal, fail), heard_by(signal, listener := lambda sender, **kwargs: told.append(name)):
        answer = platform.receipt(message) if push == "receipt" else platform.reply()
        del listener

    assert (answer.status_code, told, len(changes) + len(replies)) == (200, [name], 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ends", ["commit", "rollback"])
def test_inside_a_transaction_it_is_told_after_the_commit(message, changes, replies, ends):
    receipt = Receipt(platform_id=message.platform_id, phone=PHONE, is_delivered=True, code="2")

    with contextlib.suppress(RuntimeError), transaction.atomic():
        receipts.take_receipt(receipt)
        receipts.take_reply(PHONE, "TD")
        assert (changes, replies) == ([], [])
        if ends == "rollback":
            raise RuntimeError

    assert (len(changes), len(replies)) == ((1, 1) if ends == "commit" else (0, 0))
