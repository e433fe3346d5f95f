"""Messages that are no codes: notices to one phone or to many, and advertisements."""

from datetime import datetime, timezone

import pytest

from django_ihuyi import delivery, exceptions, verification
from django_ihuyi.backends.locmem import SentText
from django_ihuyi.models import Kind, Message, Recipient, Reply, State
from tests.support.time_travel import let_pass

pytestmark = pytest.mark.django_db

PHONE = "+8613800138000"
THEN = datetime(2026, 1, 1, tzinfo=timezone.utc)
LOCMEM = {"BACKEND": "django_ihuyi.backends.locmem.LocmemBackend"}


@pytest.fixture(autouse=True)
def _own_settings(settings):
    settings.IHUYI = {
        "CHANNELS": {"sms": LOCMEM, "marketing": LOCMEM},
        "TEMPLATES": {
            "code": {"TEXT": "您的验证码是：{code}。"},
            "order_shipped": {"TEXT": "您的订单{1}已由{2}发出。"},
            "filed": {"TEXT": "您的订单{1}已由{2}发出。", "ID": "7"},
            "sale": {"TEXT": "新品上架，回复TD退订。"},
        },
        "RESEND_INTERVAL": 60,
    }


def later():
    """Let the pace of a message a second pass."""
    let_pass(seconds=2)


def test_a_notice_is_its_template_with_the_variables(outbox):
    message = delivery.send("138 0013 8000", template="order_shipped", variables=["A17", "顺丰"])

    assert outbox == [SentText(phone=PHONE, content="您的订单A17已由顺丰发出。", code="")]
    assert (message.state, message.kind, message.text) == (State.SUBMITTED, Kind.NOTICE, "您的订单A17已由顺丰发出。")


def test_only_the_variables_of_a_template_with_a_number_leave(outbox):
    delivery.send(PHONE, template="filed", variables=["A17", "顺丰"])

    assert outbox == [SentText(phone=PHONE, content="A17|顺丰", code="", template_id="7")]


@pytest.mark.parametrize("variables", [[], ["A17"], ["A17", "顺丰", "x"]])
def test_a_wrong_number_of_variables_sends_nothing(outbox, variables):
    with pytest.raises(ValueError, match="places than there are variables"):
        delivery.send(PHONE, template="order_shipped", variables=variables)

    assert outbox == []
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        pytest.param({"template": "pigeon"}, exceptions.UnknownTemplate, id="template"),
        pytest.param({"template": "sale", "channel": "voice"}, exceptions.UnavailableChannel, id="channel"),
        pytest.param({"template": "sale", "channel": "international"}, exceptions.UnavailableChannel, id="mainland"),
    ],
)
def test_an_unconfigured_template_or_channel_sends_nothing(outbox, arguments, error):
    with pytest.raises(error):
        delivery.send(PHONE, **arguments)

    assert outbox == []


def test_notices_and_codes_share_the_limit_of_all_messages():
    for _ in range(5):
        delivery.send(PHONE, template="sale")
        later()

    with pytest.raises(exceptions.LimitReached, match="number_limit"):
        verification.send_code(PHONE, purpose="login")


def test_notices_do_not_use_up_the_limit_of_codes(settings):
    settings.IHUYI = {**settings.IHUYI, "NUMBER_LIMITS": {"messages": 5, "codes": 1}}
    delivery.send(PHONE, template="sale")
    later()

    verification.send_code(PHONE, purpose="login")

    later()
    with pytest.raises(exceptions.LimitReached, match="number_limit"):
        verification.send_code(PHONE, purpose="register")


def test_notices_need_not_wait_for_the_interval_between_codes():
    verification.send_code(PHONE, purpose="login")
    later()

    delivery.send(PHONE, template="sale")
    later()
    delivery.send(PHONE, template="sale")

    assert Message.objects.count() == 3


def test_a_batch_has_a_result_for_each_number(outbox):
    result = delivery.send_many(["13800138000", "138", "13800138001", "13800138000"], template="sale")

    assert [message.phone for message in result.sent] == ["+8613800138000", "+8613800138001"]
    assert {number: error.code for number, error in result.not_sent.items()} == {
        "138": "invalid",
        "13800138000": "resend_too_soon",
    }


@pytest.mark.parametrize("words", ["TD", " td\n", "T", "退订"])
def test_a_phone_that_opts_out_gets_notices_and_codes_only(outbox, words):
    delivery.send(PHONE, template="sale", channel="marketing")
    later()

    Reply.objects.record(PHONE, words, platform_id="1", replied_at=THEN)

    with pytest.raises(exceptions.OptedOut):
        delivery.send(PHONE, template="sale", channel="marketing")
    delivery.send(PHONE, template="sale")
    later()
    verification.send_code(PHONE, purpose="login")
    assert len(outbox) == 3


def test_other_replies_change_nothing():
    delivery.send(PHONE, template="sale", channel="marketing")

    reply = Reply.objects.record(PHONE, "Thanks", platform_id="1", replied_at=THEN)

    assert reply.recipient == Recipient.objects.get(opted_out_at=None)


def test_a_repeated_reply_is_written_once():
    delivery.send(PHONE, template="sale", channel="marketing")
    arrived = {"platform_id": "1", "replied_at": THEN}

    first, second = (Reply.objects.record(PHONE, "TD", **arrived) for _ in range(2))

    assert (first, second) == (Reply.objects.get(), None)


def test_a_reply_of_a_phone_that_nothing_was_sent_to_is_not_kept():
    assert Reply.objects.record(PHONE, "TD", platform_id="", replied_at=THEN) is None
