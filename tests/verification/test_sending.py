"""send_code: the message, the rows, and the return value."""

from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from django_ihuyi import exceptions
from django_ihuyi.models import Message, Recipient, Verification
from django_ihuyi.verification import IssuedCode, VerdictOutcome
from tests.support.time_travel import let_pass
from tests.support.use_cases import PHONE, guess_right, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("outbox")]


def test_the_caller_is_told_what_to_verify_and_how_long_it_lives():
    issued = send("138 0013 8000")

    verification, message = Verification.objects.get(), Message.objects.get()
    assert issued == IssuedCode(
        verification_id=verification.pk,
        phone=PHONE,
        purpose="login",
        channel="sms",
        code_length=6,
        expires_at=verification.created_at + timedelta(seconds=300),
        expires_in=300,
        resend_at=message.created_at + timedelta(seconds=60),
        resend_in=60,
    )


def test_the_phone_gets_the_filed_text_with_the_code_in_it(outbox):
    send("138 0013 8000")

    [text] = outbox
    assert (text.phone, text.template_id) == (PHONE, None)
    assert text.content == f"您的验证码是：{text.code}。请不要把验证码泄露给其他人。"
    assert text.code == Verification.objects.get().code


def test_a_template_with_a_number_is_handed_over_as_its_variables(configure, outbox):
    configure(PURPOSES={"login": {"TEMPLATE": "short"}}, TEMPLATES={"short": {"TEXT": "代码 {code}", "ID": "1361"}})
    send()

    [text] = outbox
    assert (text.content, text.template_id) == (text.code, "1361")
    assert Message.objects.get().text == "代码 ******"


def test_the_send_log_says_who_asked_for_what_and_never_the_code():
    send(client="192.0.2.1")

    columns = ["recipient__phone", "verification", "channel", "purpose", "kind", "text", "parts", "client"]
    assert list(Message.objects.values_list(*columns)) == [
        (
            PHONE,
            Verification.objects.get().pk,
            "sms",
            "login",
            "code",
            "您的验证码是：******。请不要把验证码泄露给其他人。",
            1,
            "192.0.2.1",
        )
    ]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        # Six characters of the code, and six of the signature that the platform adds: 【互亿无线】.
        pytest.param("{code}" + "字" * 58, 1, id="70 characters"),
        pytest.param("{code}" + "字" * 59, 2, id="71 characters"),
        pytest.param("{code}" + "字" * 122, 2, id="134 characters"),
        pytest.param("{code}" + "字" * 123, 3, id="135 characters"),
    ],
)
def test_a_long_text_is_logged_with_the_parts_that_are_billed(configure, text, parts):
    configure(TEMPLATES={"code": {"TEXT": text}})

    send()

    assert Message.objects.get().parts == parts


@pytest.mark.parametrize("length", [6, 7, 8])
def test_a_code_is_as_long_as_the_settings_say(configure, outbox, length):
    configure(CODE_LENGTH=length)

    issued = send()

    assert (issued.code_length, len(outbox[0].code)) == (length, length)
    assert guess_right(issued).outcome is VerdictOutcome.RIGHT


def test_a_live_code_keeps_its_length_when_the_setting_changes(configure, outbox):
    issued = send()

    configure(CODE_LENGTH=8)

    assert guess_right(issued).outcome is VerdictOutcome.RIGHT


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        pytest.param({"phone": "12345"}, exceptions.InvalidPhone, id="phone"),
        pytest.param({"purpose": "elope"}, exceptions.UnknownPurpose, id="purpose"),
        pytest.param({"channel": "pigeon"}, exceptions.UnavailableChannel, id="channel"),
    ],
)
def test_a_message_that_cannot_be_sent_leaves_no_rows(arguments, error):
    with pytest.raises(error):
        send(**arguments)

    assert [model.objects.count() for model in (Recipient, Verification, Message)] == [0, 0, 0]


def test_a_second_code_within_a_minute_is_refused_with_the_time_to_wait():
    send()
    let_pass(seconds=10)

    with pytest.raises(exceptions.LimitReached) as refusal:
        send()

    assert (refusal.value.code, refusal.value.retry_after) == ("resend_too_soon", 50)
    assert Message.objects.count() == 1


def test_another_purpose_waits_only_a_second():
    send()
    let_pass(seconds=1)

    send(purpose="register")

    assert Message.objects.count() == 2


def test_the_sixth_message_waits_until_the_first_is_a_day_old():
    for purpose in ("login", "register", "login", "register", "change_phone"):
        send(purpose=purpose)
        let_pass(minutes=10)

    with pytest.raises(exceptions.LimitReached) as refusal:
        send(purpose="reset_password")

    assert (refusal.value.code, refusal.value.retry_after) == ("number_limit", 86_400 - 50 * 60)
    let_pass(seconds=refusal.value.retry_after)
    send(purpose="reset_password")


def test_another_number_has_limits_of_its_own():
    send()

    send("+8613900139000")

    assert Message.objects.count() == 2


def test_a_send_takes_three_statements_on_postgresql_and_five_elsewhere(django_assert_num_queries):
    send()
    let_pass(minutes=2)

    # Elsewhere two more statements begin and end the claim's transaction, a savepoint in this test.
    with django_assert_num_queries(3 if connection.vendor == "postgresql" else 7):
        send()


def test_a_misconfigured_channel_claims_nothing(configure):
    configure(CHANNELS={"sms": {"BACKEND": "django_ihuyi.backends.ihuyi.IhuyiBackend"}})

    with pytest.raises(ImproperlyConfigured, match="CHANNELS"):
        send()

    assert Message.objects.count() == 0
