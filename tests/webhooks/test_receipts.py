"""W-04 to W-07: a receipt moves its own message, forwards, once, and nothing else."""

import itertools
import random
from datetime import datetime, timedelta, timezone

import pytest
from django.db.models import F

from django_ihuyi.database.transactions import StaleRow
from django_ihuyi.models import Message, Recipient, Verification
from django_ihuyi.models.receipts import Receipt, find_message, move
from django_ihuyi.models.unmatched_receipts import UnmatchedReceipt
from django_ihuyi.verification import VerdictOutcome, get_status
from tests.support.time_travel import let_pass
from tests.support.use_cases import PHONE, failing, guess_right, guess_wrong, send
from tests.webhooks.conftest import dated_id, others, receipt_form, row, sent

pytestmark = pytest.mark.django_db

STATES = ["queued", "sending", "submitted", "delivered", "undelivered", "refused", "unsent", "unknown"]
REPORTED_AT = datetime(2026, 11, 24, 12, 0, 5, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("2", "delivered"),
        ("0", "undelivered"),
        ("-1", "undelivered"),
        ("02", "undelivered"),
        ("２", "undelivered"),
        ("2.0", "undelivered"),
        ("BLACK-Y", "undelivered"),
    ],
)
def test_a_receipt_says_whether_its_message_arrived(platform, message, code, state):
    answer = platform.receipt(message, code=code, msg="BLACK-Y")

    stored = row(message)
    assert (answer.status_code, answer.content) == (200, b"success")
    assert (stored.state, stored.receipt_code, stored.receipt_text) == (state, code, "BLACK-Y")
    assert (stored.reported_at, stored.received_at is not None) == (REPORTED_AT, True)


@pytest.mark.parametrize("code", ["2", "0"])
@pytest.mark.parametrize("state", STATES)
def test_states_move_forwards_only(platform, message, state, code):
    Message.objects.update(state=state)
    told = "delivered" if code == "2" else "undelivered"

    platform.receipt(message, code=code)

    moved = {"submitted", "unknown"} | ({"undelivered"} if code == "2" else set())
    assert row(message).state == (told if state in moved else state)


@pytest.mark.parametrize("code", ["2", "0"])
def test_a_receipt_touches_no_code_no_verification_and_no_limit(platform, message, code):
    before = [others(message), Verification.objects.values().get(), Recipient.objects.values().get()]

    platform.receipt(message, code=code)

    assert before == [others(message), Verification.objects.values().get(), Recipient.objects.values().get()]


def test_a_code_that_did_not_arrive_is_good_all_the_same(platform, outbox):
    issued = send()
    platform.receipt(Message.objects.get(), code="0")

    assert guess_right(issued).outcome is VerdictOutcome.RIGHT


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"mobilephone": "13900139000"}, id="another phone that is known"),
        pytest.param({"mobilephone": "13700137000"}, id="a phone that is not"),
        pytest.param({"mobilephone": "1 3800138000"}, id="the same digits in another country"),
        pytest.param({"smsid": "1"}, id="another id"),
    ],
)
def test_a_message_of_another_phone_or_id_is_not_touched(platform, message, other):
    bystander = sent("+8613900139000")

    assert platform.receipt(message, **other).content == b"success"
    assert (row(message).state, row(bystander).state) == ("submitted", "submitted")


@pytest.mark.parametrize(
    "mobile", ["13800138000", "+8613800138000", "8613800138000", "86 13800138000", " 13800138000 "]
)
def test_a_phone_may_be_written_with_its_country_code(platform, message, mobile):
    platform.receipt(message, mobilephone=mobile)

    assert row(message).state == "delivered"


@pytest.mark.parametrize("mobile", ["44 7400123456", "+447400123456", "0044 7400123456"])
def test_a_message_abroad_has_its_receipt(platform, message, mobile):
    Recipient.objects.update(phone="+447400123456")

    platform.receipt(message, mobilephone=mobile)

    assert row(message).state == "delivered"


def test_marketing_names_its_id_otherwise_and_has_one_for_many_phones(platform, message):
    neighbour = sent("+8613900139000")
    Message.objects.update(platform_id="77")

    platform.push("receipts", task_id="77", mobilephone="13900139000", code="2")

    assert (row(message).state, row(neighbour).state) == ("submitted", "delivered")


@pytest.mark.parametrize("report_time", ["", "soon", "2026-13-01 00:00:00", "2026-11-24T20:00:05", "20261124200005"])
def test_a_time_that_cannot_be_read_is_no_reason_to_lose_a_receipt(platform, message, report_time):
    platform.receipt(message, report_time=report_time)

    assert (row(message).state, row(message).reported_at) == ("delivered", None)


@pytest.mark.parametrize(
    ("msg", "kept"),
    [
        ("投递失败", "投递失败"),
        ("x" * 70_0, "x" * 200),
        ("a\nb\r\x1b[31m\x00", "a\\nb\\r\\x1b[31m\\x00"),
        ("line\u2028end\u202e", "line\\u2028end\\u202e"),
        ("to 13800138000 failed", "to *** failed"),
        ("to 8613800138000 failed", "to 86*** failed"),
        ("😀", "😀"),
    ],
    ids=ascii,
)
def test_the_carriers_words_are_kept_so_that_they_can_be_shown(platform, message, msg, kept):
    platform.receipt(message, code="0", msg=msg)

    assert row(message).receipt_text == kept


def test_the_receipts_code_is_cut_and_escaped_too(platform, message):
    platform.receipt(message, code="\n" + "9" * 100)

    assert row(message).receipt_code == "\\n" + "9" * 30


def test_the_status_tells_of_it(platform, outbox):
    issued = send()
    assert get_status(issued.verification_id).delivery == "pending"

    platform.receipt(Message.objects.get(), code="0")
    assert get_status(issued.verification_id).delivery == "failed"

    platform.receipt(Message.objects.get(), code="2")
    assert get_status(issued.verification_id).delivery == "delivered"


# What may happen to a message, in any order: the answer to its call is stored, and receipts come, some of them again.
EVENTS = ["submitted", "delivered", "undelivered", "again"]


def happen(event, platform, form, call):
    if event == "submitted":
        Message.objects.filter(state="sending").update(**call)
    else:
        code = {"delivered": "2", "undelivered": "0", "again": "2"}[event]
        platform.push("receipts", **{**form, "code": code, "msg": code})


@pytest.mark.parametrize("order", list(itertools.permutations(EVENTS)), ids=" ".join)
def test_in_any_order_the_end_is_the_same(platform, outbox, order):
    issued = send()
    message = Message.objects.get()
    call = Message.objects.values("state", "platform_id", "finished_at", "duration").get()
    form = receipt_form(message)
    Message.objects.update(state="sending", platform_id="", finished_at=None, duration=None)

    for event in order:
        happen(event, platform, form, call)

    assert get_status(issued.verification_id).delivery == "delivered"
    stored = row(message)
    assert (stored.state, stored.receipt_text, stored.platform_id) == ("delivered", "2", form["smsid"])
    assert (stored.finished_at, stored.duration) == (call["finished_at"], call["duration"])
    assert UnmatchedReceipt.objects.count() == 0


# A message whose id was never learnt.


@pytest.mark.parametrize(("code", "state"), [("2", "delivered"), ("0", "undelivered")])
@pytest.mark.parametrize("id_of", [lambda message: dated_id(message.created_at), lambda message: "a-voice-id"])
def test_a_receipt_settles_what_was_unknown_and_leaves_its_id(platform, nameless, code, state, id_of):
    smsid = id_of(nameless)

    platform.receipt(nameless, code=code, smsid=smsid)

    assert (row(nameless).state, row(nameless).platform_id) == (state, smsid)
    platform.receipt(nameless, code="2", smsid=smsid)
    assert row(nameless).state == "delivered"


@pytest.mark.parametrize(("off", "is_it"), [(-100, False), (-50, True), (0, True), (110, True), (130, False)])
def test_the_time_in_the_id_must_be_about_that_of_the_call(platform, nameless, off, is_it):
    platform.receipt(nameless, smsid=dated_id(nameless.created_at + timedelta(seconds=off)))

    assert row(nameless).state == ("delivered" if is_it else "unknown")


@pytest.mark.parametrize(("minutes", "is_it"), [(59, True), (61, False)])
def test_an_id_that_tells_no_time_is_for_a_message_of_the_last_hour(platform, nameless, minutes, is_it):
    let_pass(minutes=minutes)

    platform.receipt(nameless, smsid="a-voice-id")

    assert row(nameless).state == ("delivered" if is_it else "unknown")


@pytest.fixture
def waited(nameless):
    """One that was taken out of the queue a while after it was written."""
    let_pass(minutes=50)
    Message.objects.update(taken_at=F("created_at") + timedelta(minutes=50))
    return row(nameless)


def test_a_message_that_waited_in_the_queue_is_of_the_time_when_it_was_taken(platform, waited):
    platform.receipt(waited, smsid=dated_id(waited.taken_at))

    assert row(waited).state == "delivered"


def test_a_message_that_waited_in_the_queue_is_not_of_the_time_when_it_was_written(platform, waited):
    platform.receipt(waited, smsid=dated_id(waited.created_at))

    assert row(waited).state == "unknown"


@pytest.mark.parametrize(("minutes", "is_it"), [(59, True), (61, False)])
def test_for_an_id_that_tells_no_time_the_hour_begins_when_a_message_was_taken(platform, waited, minutes, is_it):
    let_pass(minutes=minutes)

    platform.receipt(waited, smsid="a-voice-id")

    assert row(waited).state == ("delivered" if is_it else "unknown")


def test_one_that_waited_in_the_queue_and_one_that_did_not_are_two(platform, waited, configure):
    """The receipt is the first one's, and must not settle the second, which was called for nine seconds later."""
    let_pass(seconds=9)
    configure(CHANNELS=failing(outcome="unknown"))
    code = sent(purpose="register")

    platform.receipt(waited, smsid=dated_id(row(waited).taken_at))

    assert (row(waited).state, row(code).state) == ("unknown", "unknown")


@pytest.mark.parametrize("state", ["unknown", "sending"])
def test_of_two_messages_without_an_id_neither_is_guessed_at(platform, nameless, configure, state):
    let_pass(seconds=2)
    configure(CHANNELS=failing(outcome="unknown"))
    second = sent(purpose="register")
    Message.objects.filter(pk=second.pk).update(state=state)

    platform.receipt(nameless, smsid=dated_id(second.created_at))

    assert (row(nameless).state, row(second).state) == ("unknown", state)
    assert UnmatchedReceipt.objects.count() == 1


def test_two_ids_do_not_settle_one_message(platform, nameless):
    first, second = dated_id(nameless.created_at), dated_id(nameless.created_at)

    platform.receipt(nameless, code="0", smsid=first)
    platform.receipt(nameless, code="2", smsid=second)

    assert (row(nameless).state, row(nameless).platform_id) == ("undelivered", first)


def test_of_two_receipts_that_found_one_message_without_an_id_one_names_it(nameless):
    """The UPDATE checks that the message still has no id."""
    ids = [dated_id(nameless.created_at) for _ in range(2)]
    failed, arrived = (
        Receipt(platform_id=smsid, phone=PHONE, is_delivered=smsid == ids[1], code="2", reported_at=REPORTED_AT)
        for smsid in ids
    )
    first, second = find_message(failed, using="default"), find_message(arrived, using="default")
    move(first, failed, using="default")

    with pytest.raises(StaleRow):
        move(second, arrived, using="default")
    assert (row(nameless).state, row(nameless).platform_id) == ("undelivered", ids[0])


def test_the_id_of_another_phones_message_settles_nothing(platform, nameless):
    smsid = dated_id(nameless.created_at)
    bystander = sent("+8613900139000")
    Message.objects.filter(pk=bystander.pk).update(platform_id=smsid)

    platform.receipt(nameless, smsid=smsid)

    assert (row(nameless).state, row(bystander).state) == ("unknown", "submitted")


def test_a_message_of_another_phone_is_never_the_only_one(platform, nameless):
    sent("+8613900139000")

    platform.receipt(nameless, mobilephone="13900139000", smsid=dated_id(nameless.created_at))

    assert row(nameless).state == "unknown"


def test_a_receipt_never_shows_a_phone_by_accident():
    receipt = Receipt(platform_id="1", phone=PHONE, is_delivered=True, code="2")

    assert PHONE not in repr(receipt)


def test_a_verification_is_not_verified_by_any_receipt(platform, outbox):
    issued = send()
    for code in random.sample(["2", "0", "2", "0"], 4):
        platform.receipt(Message.objects.get(), code=code)

    assert get_status(issued.verification_id).state == "pending"
    assert guess_wrong(issued).outcome is VerdictOutcome.WRONG
