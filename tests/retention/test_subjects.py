"""Export and erase all data about one number. Limits count for another day; opt-outs and suppressions stay."""

import io
import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from django_ihuyi import delivery, proofs, retention
from django_ihuyi.backends.locmem import outbox
from django_ihuyi.database.transactions import StaleRow
from django_ihuyi.exceptions import InvalidProof, LimitReached, OptedOut
from django_ihuyi.models import Message, Recipient, Reply, Verification
from django_ihuyi.models.receipts import Receipt
from django_ihuyi.models.sql.snapshot import read_snapshot
from django_ihuyi.models.unmatched_receipts import UnmatchedReceipt
from django_ihuyi.verification import VerdictOutcome
from tests.support.database_dump import dump
from tests.support.live_platform import run  # noqa: F401 - a fixture
from tests.support.time_travel import let_pass
from tests.support.use_cases import PHONE, failing, guess_right, guess_wrong, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("outbox")]

OTHER = "+8613900139000"
TEMPLATES = {"code": {"TEXT": "{code}"}, "shipped": {"TEXT": "您的订单{1}已发货。"}}
CLIENT = "203.0.113.77"
SECRETS = [PHONE[3:], "138****8000", "李雷的快递", CLIENT]


@pytest.fixture
def held(configure):
    """Write every kind of data about a number, and about another one; return the unredeemed proof."""
    configure(TEMPLATES=TEMPLATES)
    for phone in (PHONE, OTHER):
        proof = guess_right(send(phone, client=CLIENT if phone == PHONE else "")).proof
        let_pass(seconds=5)
        delivery.send(phone, template="shipped", variables=["李雷的快递" if phone == PHONE else "B18"])
        Reply.objects.record(phone, "收到", platform_id="1", replied_at=timezone.now())
        UnmatchedReceipt.objects.keep(Receipt(platform_id="1", phone=phone, is_delivered=True, code="2"))
        proofs.redeem(proof, purpose="login", user=7)
    let_pass(seconds=61)
    return guess_right(send()).proof


def found():
    stored = dump()
    return [secret for secret in SECRETS if secret in stored]


def purge():
    return list(retention.purge())


def test_no_data_of_a_forgotten_number_are_left(held):
    assert found() == SECRETS

    assert retention.forget(PHONE) is True

    assert found() == []
    assert Verification.objects.verified_within(OTHER).exists()
    assert retention.export(OTHER)["recipients"][0]["phone"] == OTHER


def test_counted_messages_are_erased_a_day_later_and_all_else_at_once(held):
    retention.forget(PHONE)

    models = (Recipient, Message, Verification, Reply, UnmatchedReceipt)
    assert [model.objects.count() for model in models] == [2, 5, 1, 1, 1]
    let_pass(hours=24)
    purge()
    assert Recipient.objects.count() == 2
    let_pass(hours=2)
    purge()
    assert [model.objects.count() for model in (Recipient, Message)] == [1, 2]


def test_limits_still_apply_to_a_forgotten_number():
    for _ in range(5):
        send()
        let_pass(seconds=61)

    retention.forget(PHONE)

    with pytest.raises(LimitReached, match="number_limit"):
        send()
    let_pass(hours=25)
    purge()
    assert guess_right(send()).phone == PHONE


def test_a_forgotten_number_that_returns_is_counted_and_kept():
    send()
    let_pass(seconds=61)
    retention.forget(PHONE)
    for _ in range(4):
        send()
        let_pass(seconds=61)
    with pytest.raises(LimitReached, match="number_limit"):
        send()

    let_pass(hours=25)
    purge()

    recipient = Recipient.objects.get()
    assert (recipient.phone, recipient.forgotten_at, Message.objects.count()) == (PHONE, None, 4)


def test_code_and_proof_of_a_forgotten_number_are_invalid(held):
    let_pass(seconds=61)
    issued = send()
    retention.forget(PHONE)

    assert guess_right(issued).outcome is VerdictOutcome.EXPIRED
    with pytest.raises(InvalidProof):
        proofs.redeem(held, purpose="login")


def test_forgetting_a_number_keeps_its_opt_outs(configure):
    configure(CHANNELS={"marketing": failing()["sms"]}, TEMPLATES=TEMPLATES)
    advertisement = {"template": "shipped", "variables": ["A17"], "channel": "marketing"}
    delivery.send(PHONE, **advertisement)
    Reply.objects.record(PHONE, "TD", platform_id="1", replied_at=timezone.now())

    retention.forget(PHONE)
    let_pass(days=2)
    purge()

    assert found() == []
    with pytest.raises(OptedOut):
        delivery.send(PHONE, **advertisement)


@pytest.mark.parametrize(("in_a_row", "is_kept"), [(4, False), (5, True), (99, True)])
def test_to_be_forgotten_is_no_way_round_the_count_of_wrong_guesses(in_a_row, is_kept):
    send()
    failed_at = [timezone.now().timestamp()] * min(in_a_row, 25)
    Recipient.objects.update(guesses={"login": {"failed_at": failed_at, "in_a_row": in_a_row}})

    retention.forget(PHONE)
    let_pass(days=2)
    purge()
    kept = list(Recipient.objects.values_list("phone", "mask", "guesses__login__in_a_row"))

    assert kept == ([(None, "", in_a_row)] if is_kept else [])
    guess_wrong(send())
    assert Recipient.objects.get().guesses["login"]["in_a_row"] == (in_a_row + 1 if is_kept else 1)


def test_a_queued_message_to_a_forgotten_number_is_not_sent():
    send()
    Message.objects.update(state="queued")

    retention.forget(PHONE)

    message = Message.objects.get()
    assert (message.state, message.counted, message.phone, message.fault) == ("unsent", False, "", "forgotten")


def test_a_claim_fails_if_its_number_was_forgotten_meanwhile(held):
    snapshot = read_snapshot(PHONE, using="default")
    retention.forget(PHONE)

    with pytest.raises(StaleRow):
        Recipient.objects.claim(snapshot.recipient)
    assert found() == []


def test_a_number_without_data_is_reported():
    assert retention.forget(PHONE) is False
    assert retention.export(PHONE) == {"phone": PHONE, "recipients": []}


def test_an_erased_number_can_be_forgotten(held):
    let_pass(days=8)
    purge()

    assert retention.export(PHONE)["recipients"][0]["mask"] == "138****8000"
    assert retention.forget(PHONE) is True
    assert retention.export(PHONE)["recipients"] == []


def test_an_export_omits_secrets_only(held, settings):
    printed = io.StringIO()
    call_command("ihuyi_export", "138 0013 8000", stdout=printed)

    told = json.loads(printed.getvalue())
    [recipient] = told["recipients"]
    stored = Verification.objects.filter(recipient__phone=PHONE).values_list("pk", "seed", "key_id")
    withheld = {value for row in stored for value in row if value}
    assert (told["phone"], recipient["phone"], recipient["holder"]) == (PHONE, PHONE, "7")
    assert [len(recipient[name]) for name in ("messages", "verifications", "replies", "unmatched_receipts")] == [
        3,
        2,
        1,
        1,
    ]
    assert "李雷的快递" in recipient["messages"][1]["text"]
    assert recipient["replies"][0]["content"] == "收到"
    assert [value for value in withheld if value in printed.getvalue()] == []
    assert OTHER[3:] not in printed.getvalue()


def test_every_column_is_exported_or_listed_as_withheld(held):
    [recipient] = retention.export(PHONE)["recipients"]
    rows = {
        Recipient: recipient,
        Message: recipient["messages"][0],
        Verification: recipient["verifications"][0],
        Reply: recipient["replies"][0],
        UnmatchedReceipt: recipient["unmatched_receipts"][0],
    }
    missing = {
        model.__name__: {field.attname for field in model._meta.concrete_fields} - set(row)
        for model, row in rows.items()
    }

    assert missing == {
        "Recipient": {"version"},
        "Message": {"verification_id", "recipient_id"},
        "Verification": {"id", "seed", "key_id", "recipient_id"},
        "Reply": {"recipient_id", "digest"},
        "UnmatchedReceipt": {"recipient_id"},
    }


def test_the_command_erases_without_confirmation_with_yes(held, run):  # noqa: F811
    exit_code, lines = run("ihuyi_forget", "13800138000", "--yes")

    assert (exit_code, found()) == (0, [])
    assert lines == ["138****8000: erased. What the limits count goes within 25 hours, with the next purge."]
    assert run("ihuyi_forget", "13700137000", "--yes") == (0, ["137****7000: nothing is held."])


@pytest.mark.parametrize(
    ("typed", "words", "is_erased"),
    [
        ("yes\n", ["13800138000"], True),
        ("no\n", ["13800138000"], False),
        ("\n", ["13800138000"], False),
        ("", ["13800138000"], False),
        ("13800138000\nyes\n", ["-"], True),
        ("13800138000\n", ["-"], False),
        ("13800138000\n", ["-", "--yes"], True),
    ],
)
def test_the_command_reads_the_number_from_standard_input_and_asks(held, monkeypatch, capsys, typed, words, is_erased):
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))

    try:
        call_command("ihuyi_forget", *words)
    except CommandError:
        assert not is_erased

    assert (found() == []) is is_erased


@pytest.mark.parametrize("command", ["ihuyi_forget", "ihuyi_export"])
def test_an_invalid_number_is_refused_and_not_repeated(command):
    with pytest.raises(CommandError, match="11 digits") as refusal:
        call_command(command, "1380013800")

    assert "1380013800" not in str(refusal.value)


def test_a_forgotten_number_gets_a_new_code(held):
    retention.forget(PHONE)
    let_pass(seconds=61)

    issued = send()

    assert (issued.phone, outbox[-1].phone, guess_right(issued).phone) == (PHONE, PHONE, PHONE)
