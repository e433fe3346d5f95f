"""Fingerprints: a number is found after each rotation of the key, and the limits count both of two rows."""

import hmac
from datetime import datetime, timezone

import pytest
from django.db import connection

from django_ihuyi import delivery, phones, retention
from django_ihuyi.backends.locmem import outbox
from django_ihuyi.database.transactions import StaleRow
from django_ihuyi.exceptions import LimitReached, OptedOut
from django_ihuyi.models import Message, Recipient, Reply, Verification
from django_ihuyi.models.sql.claim import write_claimed
from django_ihuyi.models.sql.snapshot import read_snapshot
from django_ihuyi.phones import numbers
from tests.support.time_travel import let_pass
from tests.support.use_cases import PHONE, guess_right, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("outbox")]

REPLIED_AT = datetime(2026, 1, 1, tzinfo=timezone.utc)
OLD, NEW = "the-old-secret-key-of-more-than-32-bytes", "the-new-secret-key-of-more-than-32-bytes"


@pytest.fixture
def know(settings):
    """Set the keys of this process, as in `know(NEW, OLD)`: the first one is today's."""

    def change(key, *fallbacks):
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = key, list(fallbacks)

    return change


def erase():
    """Let the number's retention period pass, and purge."""
    let_pass(days=8)
    list(retention.purge())


def suppress():
    Recipient.objects.get(phone=PHONE).suppress(4030)


def is_refused():
    try:
        send()
    except LimitReached:
        return True
    return False


def test_a_fingerprint_is_128_bits_that_only_the_key_can_make(know):
    know(OLD)
    first = phones.fingerprint(PHONE)
    know(NEW)

    assert (len(first), len(bytes.fromhex(first))) == (32, 16)
    assert first != phones.fingerprint(PHONE) != phones.fingerprint("+8613800138001")


def test_a_fingerprint_has_a_key_of_its_own(know):
    """Each use of SECRET_KEY has a label of its own, so that a value made for one use is worthless for another."""
    know(OLD, NEW)

    made = [
        hmac.digest(hmac.digest(key.encode(), b"django_ihuyi.phone.1", "sha256"), PHONE.encode(), "sha256").hex()[:32]
        for key in (OLD, NEW)
    ]
    assert phones.fingerprints(PHONE) == made
    assert phones.fingerprint(PHONE) == made[0]


def test_a_rotation_forgets_no_limit(know):
    know(OLD)
    for _ in range(4):
        send()
        let_pass(seconds=61)
    know(NEW, OLD)
    send()
    let_pass(seconds=61)

    assert is_refused()
    assert Recipient.objects.get().fingerprint == phones.fingerprint(PHONE)


def test_limits_hold_for_a_forgotten_number_through_a_rotation(know):
    """A forgotten number is found by its fingerprint only."""
    know(OLD)
    for _ in range(5):
        send()
        let_pass(seconds=61)
    retention.forget(PHONE)
    know(NEW, OLD)

    assert is_refused()


def test_a_rotation_forgets_no_suppression_of_an_erased_number(know):
    know(OLD)
    send()
    suppress()
    erase()
    know(NEW, OLD)

    assert is_refused()


def test_a_stored_number_is_found_without_its_key(know):
    know(OLD)
    for _ in range(5):
        send()
        let_pass(seconds=61)
    know(NEW)

    assert is_refused()


def test_a_fingerprint_gets_todays_key_before_its_number_is_erased(know):
    know(OLD)
    send()
    suppress()
    know(NEW, OLD)
    erase()
    know(NEW)

    assert is_refused()
    assert Recipient.objects.count() == 1


def test_workers_of_both_sides_of_a_rotation_count_one_row(know):
    """During a rolling deployment some workers know only the old key, and others the new one too."""
    for key in ([OLD], [NEW, OLD], [OLD], [NEW, OLD], [OLD]):
        know(*key)
        send()
        let_pass(seconds=61)

    for key in ([OLD], [NEW, OLD], [NEW]):
        know(*key)
        assert is_refused()
    assert Recipient.objects.count() == 1


def test_a_claim_is_stale_if_another_key_made_the_row_meanwhile(know):
    know(OLD)
    snapshot = read_snapshot(PHONE, using="default")
    know(NEW)
    send()

    with pytest.raises(StaleRow):
        write_claimed(message_to(snapshot), using="default")


def test_a_claim_is_stale_if_the_number_was_erased_meanwhile():
    send()
    let_pass(days=8)
    snapshot = read_snapshot(PHONE, using="default")
    list(retention.purge())

    with pytest.raises(StaleRow):
        write_claimed(message_to(snapshot), using="default")


def message_to(snapshot):
    return Message(recipient=snapshot.recipient, channel="sms", kind="notice", state="sending", created_at=snapshot.now)


@pytest.fixture
def two_rows(know):
    """Two rows of one phone: the second was made while the first one's key was retired."""
    know(OLD)
    guess_right(send())
    Reply.objects.record(PHONE, "收到", platform_id="1", replied_at=REPLIED_AT)
    erase()
    know(NEW)
    send()
    let_pass(seconds=61)
    know(NEW, OLD)
    assert Recipient.objects.count() == 2


@pytest.mark.parametrize("keys", [(NEW, OLD), (OLD, NEW)], ids=["the new key is today's", "the old key is today's"])
def test_of_two_rows_the_one_with_the_number_gets_the_messages(two_rows, know, keys):
    """Neither row gets another fingerprint: the other one may have it, and fingerprints are unique."""
    know(*keys)
    before = [(row.pk, row.fingerprint) for row in Recipient.objects.order_by("pk")]

    issued = send()

    assert [(row.pk, row.fingerprint) for row in Recipient.objects.order_by("pk")] == before
    assert Message.objects.latest("id").recipient.phone == PHONE
    assert guess_right(issued).phone == PHONE
    assert Verification.objects.verified_within(PHONE).count() == 2


def test_the_same_row_is_chosen_by_a_process_that_knows_one_key_only(two_rows, know):
    chosen = {read_snapshot(PHONE, using="default").recipient.pk}
    know(NEW)
    chosen.add(read_snapshot(PHONE, using="default").recipient.pk)
    know(OLD, NEW)
    chosen.add(read_snapshot(PHONE, using="default").recipient.pk)

    assert len(chosen) == 1


def test_messages_of_two_rows_are_counted_together(two_rows):
    first, second = Recipient.objects.order_by("pk")
    template = Message.objects.filter(recipient=second).first()
    for _ in range(4):
        template.pk, template.recipient = None, first
        template.save(force_insert=True)

    assert is_refused()


@pytest.mark.parametrize("place", [0, 1], ids=["the erased row", "the row with the number"])
@pytest.mark.parametrize("refusal", ["suppression", "full", "locked"])
def test_a_refusal_of_either_row_stands(two_rows, place, refusal):
    row = Recipient.objects.order_by("pk")[place]
    other = Recipient.objects.order_by("pk")[1 - place]
    Recipient.objects.filter(pk=other.pk).update(guesses={"login": {"failed_at": [0.0], "in_a_row": 1}})
    if refusal == "suppression":
        row.suppress(408)
    elif refusal == "full":
        Recipient.objects.filter(pk=row.pk).update(full_until="2100-01-01T00:00:00Z")
    else:
        Recipient.objects.filter(pk=row.pk).update(guesses={"login": {"failed_at": [0.0], "in_a_row": 100}})

    assert is_refused()


def test_an_advertisement_is_refused_if_either_row_opted_out(two_rows, configure):
    configure(
        CHANNELS={"marketing": {"BACKEND": "django_ihuyi.backends.locmem.LocmemBackend"}},
        TEMPLATES={"sale": {"TEXT": "新品上架，回复TD退订。"}},
    )
    Recipient.objects.order_by("pk").first().opt_out()

    with pytest.raises(OptedOut):
        delivery.send(PHONE, template="sale", channel="marketing")


def test_a_verification_of_the_row_that_was_erased_is_not_sent_again(two_rows):
    Verification.objects.update(seed="0" * 32, expires_at="2100-01-01T00:00:00Z")
    lost = Verification.objects.get(recipient__phone=None)

    issued = send(verification_id=lost.pk)

    assert issued.verification_id != lost.pk


def test_of_two_erased_rows_the_one_with_the_newest_key_gets_the_number_back(two_rows, know):
    know(NEW)
    erase()
    know(NEW, OLD)
    assert list(Recipient.objects.values_list("phone", flat=True)) == [None, None]

    issued = send()

    first, second = Recipient.objects.order_by("pk")
    assert (first.phone, second.phone) == (None, PHONE)
    assert guess_right(issued).phone == PHONE


def test_a_purge_does_not_join_two_rows(two_rows):
    Recipient.objects.filter(phone=PHONE).update(fingerprint=numbers._fingerprint(PHONE, b"another-key"))
    Recipient.objects.filter(phone=None).update(fingerprint=phones.fingerprint(PHONE))
    erase()

    assert Recipient.objects.filter(phone=None).count() == 2


def test_both_rows_are_forgotten(two_rows):
    retention.forget(PHONE)

    assert set(Recipient.objects.values_list("phone", "mask")) == {(None, "")}
    assert (Verification.objects.count(), Reply.objects.count()) == (0, 0)


@pytest.mark.parametrize("keys", [1, 2, 3])
def test_a_send_takes_the_same_statements_with_many_keys(know, keys, django_assert_num_queries):
    know(*(f"{place}-secret-key-of-more-than-32-bytes-and-so-on" for place in range(keys)))
    send()
    let_pass(seconds=61)

    with django_assert_num_queries(
        3 if connection.vendor == "postgresql" else 7
    ):  # as tests/verification/test_sending.py has it
        send()


def test_a_number_is_looked_up_by_its_indexes():
    """The lookup takes the same time in a large table."""
    send()
    with connection.cursor() as cursor:
        lookup, parameters = Recipient.objects.of(PHONE).query.sql_with_params()
        prefix = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"{prefix} {lookup}", parameters)
        plan = str(cursor.fetchall())

    assert "Seq Scan" not in plan
    assert "SCAN ihuyi_recipient" not in plan


def test_a_message_goes_to_the_requested_number():
    send()
    erase()

    send("138 0013 8000")

    assert outbox[-1].phone == PHONE
