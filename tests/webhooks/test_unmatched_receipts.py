"""Receipts whose message is not known yet: kept, but not many and not for long."""

from datetime import datetime, timezone

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_ihuyi.delivery import receipts, recovery
from django_ihuyi.delivery.recovery import Recovered, recover
from django_ihuyi.models import Message, Recipient, unmatched_receipts
from django_ihuyi.models.unmatched_receipts import UnmatchedReceipt
from django_ihuyi.verification import get_status
from tests.support.time_travel import let_pass
from tests.support.use_cases import PHONE, send
from tests.webhooks.conftest import dated_id, receipt_form, row, sent

pytestmark = pytest.mark.django_db


@pytest.fixture
def overtaken(platform, message):
    """A message whose receipt came before the answer to its call was stored."""
    Message.objects.update(state="sending", platform_id="")
    platform.push("receipts", **receipt_form(message))
    Message.objects.update(state="submitted", platform_id=message.platform_id)
    return message


def test_a_receipt_that_overtakes_the_answer_waits_for_it(overtaken):
    assert row(overtaken).state == "submitted"
    assert UnmatchedReceipt.objects.get().receipt.platform_id == overtaken.platform_id


@pytest.mark.parametrize("kind", ["receipts", "replies"])
def test_the_next_push_of_any_kind_settles_it(platform, overtaken, kind):
    platform.push(kind, smsid="1", mobilephone="13700137000", code="2", content="Thanks")

    assert (row(overtaken).state, row(overtaken).receipt_text) == ("delivered", "DELIVRD")
    assert UnmatchedReceipt.objects.count() == 0


def test_a_page_that_asks_settles_it(platform, outbox):
    issued = send()
    message = Message.objects.get()
    Message.objects.update(state="sending", platform_id="")
    platform.receipt(message)
    Message.objects.update(state="submitted", platform_id=message.platform_id)

    assert get_status(issued.verification_id).delivery == "delivered"
    assert row(message).state == "delivered"


def test_a_sweep_settles_all(overtaken):
    came = UnmatchedReceipt.objects.get().received_at

    assert (receipts.settle_unmatched(), receipts.settle_unmatched()) == (1, 0)
    assert (row(overtaken).state, row(overtaken).received_at) == ("delivered", came)


@pytest.mark.django_db(transaction=True)
def test_recovery_settles_all_and_says_how_many(overtaken):
    assert (recover(), recover()) == (Recovered(settled=1), Recovered())
    assert row(overtaken).state == "delivered"


def test_a_worker_settles_them_with_its_first_task(overtaken, monkeypatch):
    monkeypatch.setattr(recovery, "_due", {})
    recovery.recover_when_due(using="default")

    assert row(overtaken).state == "delivered"


def test_a_worker_that_died_leaves_a_message_that_the_receipt_settles(platform, message):
    Message.objects.update(state="sending", platform_id="")
    platform.receipt(message)
    Message.objects.update(state="unknown")

    receipts.settle_unmatched()

    assert (row(message).state, row(message).platform_id) == ("delivered", message.platform_id)


def test_both_receipts_may_overtake_and_the_better_one_counts(platform, message):
    Message.objects.update(state="sending", platform_id="")
    for code in ("2", "0", "2", "0"):
        platform.receipt(message, code=code)
    assert UnmatchedReceipt.objects.count() == 2
    Message.objects.update(state="submitted", platform_id=message.platform_id)

    receipts.settle_unmatched()

    assert (row(message).state, UnmatchedReceipt.objects.count()) == ("delivered", 0)


def test_a_receipt_for_a_phone_that_nothing_was_sent_to_is_not_kept(platform, message):
    answer = platform.receipt(message, mobilephone="13700137000")

    assert (answer.content, UnmatchedReceipt.objects.count()) == (b"success", 0)


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test sets, by which the log is kept short; nothing was counted before it."""
    clock = [1000.0]
    monkeypatch.setattr(receipts, "_unknown_phones", receipts._UnknownPhones(timer=lambda: clock[0]))
    return clock


def test_receipts_for_phones_that_nothing_was_sent_to_are_counted_in_the_log_once_a_minute(
    platform, message, clock, caplog
):
    for number in range(5):
        platform.receipt(message, mobilephone=f"1370013700{number}")
    clock[0] += 61
    platform.receipt(message, mobilephone="13900139000")

    words = "came for phones that no message was sent to, the last for"
    assert caplog.messages == [f"1 receipts {words} 137****7000", f"5 receipts {words} 139****9000"]


def test_a_receipt_that_is_kept_or_fits_is_not_counted_so(platform, message, clock, caplog):
    platform.receipt(message, smsid="1")
    platform.receipt(message)

    assert caplog.messages == []


def test_an_unmatched_receipt_is_dropped_after_a_day(platform, message):
    platform.receipt(message, smsid="1")
    let_pass(hours=24, seconds=1)

    platform.receipt(message)

    assert UnmatchedReceipt.objects.count() == 0


def test_of_too_many_the_oldest_make_room(platform, message, monkeypatch):
    monkeypatch.setattr(unmatched_receipts, "MAX_UNMATCHED", 3)
    for smsid in range(1, 6):
        platform.receipt(message, smsid=str(smsid))

    assert list(UnmatchedReceipt.objects.values_list("platform_id", flat=True)) == ["5", "4", "3"]


def test_a_push_deletes_nothing_where_nothing_is_old(platform, message):
    """On MariaDB a DELETE by the time would lock the row that another push is about to delete, and wait for it."""
    platform.receipt(message, smsid="1")

    with CaptureQueriesContext(connection) as queries:
        platform.receipt(message)

    assert [query["sql"] for query in queries if query["sql"].startswith("DELETE")] == []


def test_a_copy_that_comes_second_does_not_take_the_message_for_anothers(platform, nameless):
    """Another copy names the message between the two reads of this one."""
    smsid = dated_id(nameless.created_at)
    reads = []

    def overtake(execute, sql, params, many, context):
        if sql.startswith("SELECT") and "ihuyi_message" in sql:
            reads.append(sql)
            if len(reads) == 2:
                Message.objects.filter(pk=nameless.pk).update(state="delivered", platform_id=smsid)
        return execute(sql, params, many, context)

    form = receipt_form(nameless, smsid=smsid)
    with connection.execute_wrapper(overtake), CaptureQueriesContext(connection) as queries:
        platform.push("receipts", **form)

    # The same push would settle such a receipt, so its row is looked for where it is written.
    assert [query["sql"] for query in queries if query["sql"].startswith("INSERT")] == []
    assert row(nameless).state == "delivered"


@pytest.fixture
def many(message):
    """As many unmatched receipts as are kept, none of them of a message that is known."""
    recipient, moment = Recipient.objects.get(), datetime.now(timezone.utc)
    UnmatchedReceipt.objects.bulk_create(
        [
            UnmatchedReceipt(
                recipient=recipient, platform_id=f"x{number}", is_delivered=True, code="2", received_at=moment
            )
            for number in range(unmatched_receipts.MAX_UNMATCHED)
        ],
        batch_size=1_000,
    )


def test_the_quarantine_is_bounded(many, platform, message, figure):
    for number in range(20):
        platform.receipt(message, smsid=f"y{number}")

    figure(
        "W-04 unmatched receipts",
        f"{UnmatchedReceipt.objects.count()} kept of {unmatched_receipts.MAX_UNMATCHED + 20} [target 10000]",
    )
    assert UnmatchedReceipt.objects.count() == unmatched_receipts.MAX_UNMATCHED


def test_a_push_takes_as_many_statements_whatever_is_in_the_quarantine(many, platform, message, figure):
    first, second = receipt_form(message), receipt_form(sent("+8613900139000"))

    with CaptureQueriesContext(connection) as full:
        platform.push("receipts", **first)
    UnmatchedReceipt.objects.all().delete()
    with CaptureQueriesContext(connection) as empty:
        platform.push("receipts", **second)

    figure("statements of a receipt", f"{len(empty)}, with a full quarantine {len(full)}")
    assert (len(empty), len(full)) == (4, 6)


def test_a_sweep_finds_a_message_among_all_of_them(many, platform, message):
    UnmatchedReceipt.objects.filter(platform_id="x0").update(platform_id=message.platform_id)

    assert receipts.settle_unmatched(newest=100) == 0
    assert receipts.settle_unmatched() == 1


def test_a_send_takes_no_statement_more(outbox, message):
    let_pass(minutes=2)
    with CaptureQueriesContext(connection) as queries:
        sent(purpose="register")

    words = ("SELECT", "UPDATE", "INSERT", "WITH")
    statements = [query["sql"] for query in queries if query["sql"].split()[0] in words]
    # One SELECT is the test's own.
    assert len(statements) == (3 if connection.vendor == "postgresql" else 5) + 1
    assert [sql for sql in statements if "unmatched" in sql] == []


def test_an_unmatched_receipt_shows_no_whole_number(platform, message):
    platform.receipt(message, smsid="1")

    row = UnmatchedReceipt.objects.select_related("recipient").get()
    assert str(row).startswith("138****8000 ")
    assert PHONE[3:] not in f"{row!r} {row.receipt!r}"
