"""The purge erases due rows, and nothing that a limit or a code still needs."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, models
from django.utils import timezone

from django_ihuyi import delivery, retention
from django_ihuyi.backends.locmem import outbox
from django_ihuyi.exceptions import LimitReached, OptedOut
from django_ihuyi.models import Message, Recipient, Reply, Verification
from django_ihuyi.models.captchas import SpentCaptcha
from django_ihuyi.models.idempotency_keys import IdempotencyKey
from django_ihuyi.models.receipts import Receipt
from django_ihuyi.models.unmatched_receipts import UnmatchedReceipt
from django_ihuyi.retention.steps import STEPS
from django_ihuyi.verification import VerdictOutcome, get_status, verify_code
from tests.support.database_dump import dump
from tests.support.docs_pages import ROOT, blocks
from tests.support.live_platform import run  # noqa: F401 - a fixture
from tests.support.time_travel import let_pass
from tests.support.use_cases import PHONE, failing, guess, guess_right, guess_wrong, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("outbox")]

PRIVACY = ROOT / "docs/explanation/privacy.md"
NUMBERS = [f"138{number:08}" for number in range(1000)]
NOTICE = {"TEMPLATES": {"code": {"TEXT": "{code}"}, "shipped": {"TEXT": "您的订单{1}已发货。"}}}
NAME = "李雷的快递"
CLIENT = "203.0.113.77"


def purge(**options):
    """Purge; return {step: number of erased rows}."""
    rows = {}
    for batch in retention.purge(**options):
        rows[str(batch.step.name)] = rows.get(str(batch.step.name), 0) + batch.rows
    return rows


def reply(phone, content="收到"):
    return Reply.objects.record(phone, content, platform_id="1", replied_at=timezone.now())


@pytest.fixture
def seeded(configure):
    """Write a thousand numbers that codes and notices were sent to, that verified and replied."""
    configure(**NOTICE)
    for place, number in enumerate(NUMBERS):
        if place % 10 == 0:
            delivery.send(number, template="shipped", variables=[NAME], client=CLIENT)
            reply(f"+86{number}", NAME)
        else:
            issued = send(number, client=CLIENT)
            if place % 10 == 1:
                guess_right(issued)


def found():
    stored = dump()
    return [secret for secret in [*NUMBERS, NAME, CLIENT] if secret in stored]


def test_no_number_is_found_after_eight_days_and_nothing_after_its_time(seeded, configure, figure):
    """P-01, P-02: of a thousand numbers, in every column of every table."""
    configure(RETENTION={"verification_days": 365})
    assert len(found()) == len(NUMBERS) + 2
    purge()
    assert len(found()) == len(NUMBERS) + 2

    hits = {}
    for day, days in ((8, 8), (181, 173), (400, 219)):
        let_pass(days=days)
        purge()
        # Replies are kept longer than numbers.
        hits[day] = [secret for secret in found() if day > 30 or secret != NAME]
        if day == 8:
            assert (Message.objects.count(), Reply.objects.count()) == (1000, 100)
            assert not Verification.objects.filter(verified_at=None).exists()
            assert set(Recipient.objects.values_list("phone", flat=True)) == {None}
        if day == 181:
            assert (Message.objects.count(), Reply.objects.count(), Verification.objects.count()) == (0, 0, 100)
            assert Recipient.objects.count() == 100

    figure("numbers found in a dump after 8, 181 and 400 days", f"{[len(found) for found in hits.values()]} [target 0]")
    assert hits == {8: [], 181: [], 400: []}
    assert [model.objects.count() for model in (Message, Reply, Verification, Recipient)] == [0, 0, 0, 0]


def test_successful_verifications_are_kept_without_limit_by_default():
    guess_right(send())
    let_pass(days=4000)

    purge()

    assert Verification.objects.verified_within(PHONE, days=5000).exists()


@pytest.mark.parametrize(("hours", "is_kept"), [(23, True), (25, False)])
def test_an_unverified_verification_is_erased_a_day_after_expiry(hours, is_kept):
    send()
    let_pass(hours=hours, minutes=5)

    purge()

    assert Verification.objects.exists() is is_kept
    assert Message.objects.get().verification_id is None or is_kept


def test_a_live_code_survives_the_shortest_periods(configure):
    configure(RETENTION={"unverified_hours": 1, "phone_days": 1, "message_days": 2, "reply_days": 1})
    issued = send()
    let_pass(minutes=4)

    purge()

    assert guess_right(issued).phone == PHONE


def test_counted_messages_survive_any_setting(configure):
    """A number's messages of the last 24 hours count, whatever RETENTION is."""
    configure(RETENTION={"unverified_hours": 0, "phone_days": 0, "message_days": 0}, RESEND_INTERVAL=1)
    for _ in range(5):
        send()
        let_pass(seconds=61)
    let_pass(hours=23)

    purge()

    with pytest.raises(LimitReached, match="number_limit"):
        send()
    assert Message.objects.count() == 5


def test_guesses_still_count_after_the_number_was_erased(configure):
    for _ in range(2):
        issued = send()
        for _ in range(5):
            guess_wrong(issued)
        let_pass(minutes=2)
    assert guess_wrong(send_despite_limits()).outcome is VerdictOutcome.LIMITED
    let_pass(days=8)
    purge()

    assert Recipient.objects.get().guesses["login"]["in_a_row"] == 10
    guess_wrong(send())
    assert Recipient.objects.get().guesses["login"]["in_a_row"] == 11


def send_despite_limits():
    budgets = Recipient.objects.get().guesses
    Recipient.objects.update(guesses={})
    issued = send()
    Recipient.objects.update(guesses=budgets)
    return issued


def test_the_next_message_finds_the_row_by_its_fingerprint_and_writes_the_number_back():
    send()
    before = Recipient.objects.get()
    let_pass(days=8)
    purge()
    erased = Recipient.objects.get()

    guess_right(send())

    after = Recipient.objects.get()
    assert (erased.phone, str(erased)) == (None, "138****8000")
    assert (after.pk, after.phone, after.fingerprint) == (before.pk, PHONE, before.fingerprint)


def test_a_number_is_kept_with_its_last_message_but_old_texts_are_erased(configure):
    configure(**NOTICE)
    delivery.send(PHONE, template="shipped", variables=[NAME])
    let_pass(days=6)
    delivery.send(PHONE, template="shipped", variables=["B18"])
    let_pass(days=2)

    purge()

    assert Recipient.objects.get().phone == PHONE
    assert list(Message.objects.order_by("pk").values_list("variables", flat=True)) == [[], ["B18"]]


def test_an_erased_verification_has_the_masked_number():
    issued = send()
    guess_right(issued)
    let_pass(days=8)
    purge()

    assert get_status(issued.verification_id).phone == "138****8000"
    assert verify_code(issued.verification_id, "123456").outcome is VerdictOutcome.EXPIRED


@pytest.mark.parametrize("days", [8, 181, 4000])
def test_an_opt_out_outlives_the_number(configure, days):
    configure(CHANNELS={"marketing": failing()["sms"]}, **NOTICE)
    delivery.send(PHONE, template="shipped", variables=["A17"], channel="marketing")
    reply(PHONE, "TD")
    let_pass(days=days)

    purge()

    with pytest.raises(OptedOut):
        delivery.send(PHONE, template="shipped", variables=["A17"], channel="marketing")


def test_a_suppression_outlives_the_number_until_it_is_lifted(configure):
    configure(CHANNELS=failing(outcome="refused", result_code=4030))
    with pytest.raises(LimitReached):
        send()
    let_pass(days=400)
    purge()
    recipient = Recipient.objects.get()
    configure(CHANNELS=failing())

    with pytest.raises(LimitReached, match="number_limit"):
        send()

    assert (recipient.phone, str(recipient)) == (None, "138****8000")
    recipient.lift_suppression()
    assert Recipient.objects.count() == 0


@pytest.mark.parametrize("days", [8, 181, 4000])
@pytest.mark.parametrize(("in_a_row", "is_kept"), [(4, False), (5, True), (99, True)])
def test_failures_in_a_row_are_counted_on_after_all_else_has_gone(in_a_row, is_kept, days):
    """They are kept from five on, so that an attacker gains nothing by waiting for the purge."""
    send()
    failed_at = [timezone.now().timestamp()] * min(in_a_row, 25)
    Recipient.objects.update(guesses={"login": {"failed_at": failed_at, "in_a_row": in_a_row}})
    let_pass(days=days)

    purge()
    guess_wrong(send())

    is_over = days > 180
    assert Message.objects.count() == (1 if is_over else 2)
    assert Recipient.objects.get().guesses["login"]["in_a_row"] == (in_a_row + 1 if is_kept or not is_over else 1)


def test_a_recipient_with_failures_is_deleted_after_a_right_guess(configure):
    configure(RETENTION={"verification_days": 90})
    send()
    Recipient.objects.update(guesses={"login": {"failed_at": [timezone.now().timestamp()] * 5, "in_a_row": 5}})
    let_pass(days=181)
    purge()
    recipient = Recipient.objects.get()

    guess_right(send())
    let_pass(days=181)
    purge()

    assert (recipient.phone, recipient.holder) == (None, "")
    assert not Recipient.objects.exists()


def test_a_locked_number_stays_locked():
    send()
    failed_at = [timezone.now().timestamp()] * 25
    Recipient.objects.update(guesses={"login": {"failed_at": failed_at, "in_a_row": 100}})
    let_pass(days=400)

    purge()

    with pytest.raises(LimitReached, match="guess_limit"):
        send()


def test_a_missing_fingerprint_is_written_before_the_number_is_erased():
    send()
    Recipient.objects.update(fingerprint=None, mask="")
    first = Recipient.objects.get().pk
    let_pass(days=8)

    purge()
    send()

    recipient = Recipient.objects.get()
    assert (recipient.pk, recipient.phone, recipient.mask) == (first, PHONE, "138****8000")


def test_the_first_purge_erases_old_numbers():
    """The messages of years without a purge and the number are erased at once, the successful verification stays."""
    guess_right(send())
    let_pass(days=300)

    purge()

    recipient = Recipient.objects.get()
    assert (recipient.phone, Message.objects.count(), Verification.objects.count()) == (None, 0, 1)


@pytest.mark.parametrize("size", [1, 2, 7, 5000])
def test_every_due_row_is_erased_with_any_batch_size(size):
    for place in range(15):
        send(NUMBERS[place])
    Message.objects.filter(pk__gt=Message.objects.order_by("pk")[5].pk).update(created_at=timezone.now())
    let_pass(days=181)

    rows = purge(batch_size=size)

    assert (rows["messages"], rows["verifications that did not succeed"]) == (15, 15)
    assert Recipient.objects.count() == 0


@pytest.mark.parametrize(
    ("size", "seconds", "following"),
    [(100, 0.01, 200), (100, 0.04, 100), (100, 0.06, 50), (1, 5.0, 1), (4000, 0.01, 5000), (5000, 0.3, 2500)],
)
def test_a_slow_transaction_is_followed_by_a_smaller_one(size, seconds, following):
    assert retention.purging.resize(size, seconds=seconds, most=5000) == following


def test_statements_of_a_purge_do_not_grow_with_the_rows(django_assert_max_num_queries):
    for number in NUMBERS[:100]:
        guess_right(send(number))
    let_pass(days=8)

    with django_assert_max_num_queries(40):
        purge()


def test_no_signal_is_sent_for_each_row():
    """Django's collector would load each row and send a signal (ticket 30533)."""
    told = []
    models.signals.pre_delete.connect(told.append)
    try:
        send()
        let_pass(days=181)
        purge()
    finally:
        models.signals.pre_delete.disconnect(told.append)

    assert (told, Message.objects.count()) == ([], 0)


@pytest.mark.skipif(connection.vendor == "mysql", reason="MariaDB plans by what stands in the tables: nothing")
@pytest.mark.parametrize("step", STEPS, ids=lambda step: str(step.name))
def test_due_rows_are_found_by_an_index(configure, step):
    """The index has the order of the purge, so that no purge sorts a table."""
    configure(RETENTION={"verification_days": 365})
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for way in ("enable_seqscan", "enable_bitmapscan", "enable_sort"):
                cursor.execute(f"SET LOCAL {way} = off")  # it would rather read an empty table

    plan = step.due(using="default").values("pk")[:1000].explain()

    assert "index" in plan.lower()
    assert "sort" not in plan.lower().replace("enable_sort", "")
    assert "temp b-tree" not in plan.lower()


def test_the_command_prints_the_number_of_erased_rows(run):  # noqa: F811
    send()
    let_pass(days=8)

    exit_code, lines = run("ihuyi_purge", "--pause", "0", "--batch-size", "1")

    assert exit_code == 0
    assert lines == [
        "messages: 0",
        "numbers and texts: 1",
        "replies: 0",
        "verifications that did not succeed: 1",
        "verifications that succeeded: 0",
        "unmatched receipts: 0",
        "answers to idempotency keys: 0",
        "spent captchas: 0",
        "budgets: 0",
        "forgotten numbers: 0",
    ]


def test_the_privacy_page_lists_every_step():
    [shown] = [body for _, body in blocks(PRIVACY, "console") if "ihuyi_purge" in body]

    assert [line.partition(":")[0] for line in shown.splitlines()[1:]] == [str(step.name) for step in STEPS]


def test_the_command_is_silent_with_verbosity_0(run):  # noqa: F811
    assert run("ihuyi_purge", "--verbosity", "0") == (0, [])


@pytest.mark.parametrize("size", ["0", "5001"])
def test_an_invalid_batch_size_is_an_error(size):
    with pytest.raises(CommandError, match="5000"):
        call_command("ihuyi_purge", "--batch-size", size)


def test_rows_with_a_day_of_retention_are_erased_after_a_day():
    send()
    kept = {UnmatchedReceipt: "received_at", IdempotencyKey: "expires_at", SpentCaptcha: "expires_at"}
    UnmatchedReceipt.objects.keep(
        Receipt(platform_id="x", phone=PHONE, is_delivered=True, code="2", reported_at=timezone.now())
    )
    IdempotencyKey.objects.open("a", fingerprint="a")
    SpentCaptcha.objects.spend("a")
    purge()
    assert [model.objects.count() for model in kept] == [1, 1, 1]
    for model, moment in kept.items():
        model.objects.update(**{moment: timezone.now() - timedelta(hours=25)})

    rows = purge()

    assert (rows["unmatched receipts"], rows["answers to idempotency keys"], rows["spent captchas"]) == (1, 1, 1)
    assert [model.objects.count() for model in kept] == [0, 0, 0]


def test_a_message_erased_by_another_purge_is_not_counted():
    send()
    let_pass(days=8)
    [step] = [step for step in STEPS if step.only == {"erased": False}]
    picked = dict(step.due(using="default").values_list("pk", step.owner))
    purge()

    assert (len(picked), step.erase(Message, picked, using="default")) == (1, 0)


def test_a_reused_idempotency_key_is_not_deleted():
    """The key is used again between the SELECT and the DELETE of the purge."""
    keyed = IdempotencyKey.objects.open("a", fingerprint="a")

    assert retention.erasing.delete_expired(IdempotencyKey, [keyed.pk], using="default") == 0
    assert IdempotencyKey.objects.count() == 1


def test_a_code_is_valid_although_its_number_was_erased_during_the_send():
    """The claim writes the number back, even if the purge ran between its SELECT and its UPDATE."""
    send()
    let_pass(days=8)
    purge()

    issued = send()

    assert guess(issued, outbox[-1].code).phone == PHONE
