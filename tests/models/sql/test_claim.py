"""write_claimed and take_claimed: the message and the claim on its recipient happen together or not at all."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models.signals import post_save
from django.utils import timezone

from django_ihuyi.database.transactions import StaleRow
from django_ihuyi.models import Kind, Message, Recipient, State, Verification
from django_ihuyi.models.sql.claim import take_claimed, write_claimed
from django_ihuyi.models.sql.snapshot import read_snapshot
from tests.support.time_travel import let_pass
from tests.support.use_cases import PHONE

pytestmark = pytest.mark.django_db

USING = "default"
MINUTES = timedelta(minutes=5)


def read(verification_id=None):
    return read_snapshot(PHONE, using=USING, verification_id=verification_id)


def draft(snapshot, *, verification=None, is_notice=False):
    """Return a message as send_code makes it, with a new verification unless one is given."""
    if not verification and not is_notice:
        verification = Verification.issue(
            snapshot.recipient, purpose="login", code_length=6, now=snapshot.now, lifetime=MINUTES
        )
    return Message(
        recipient=snapshot.recipient,
        verification=verification,
        channel="sms",
        purpose="" if is_notice else "login",
        kind=Kind.NOTICE if is_notice else Kind.CODE,
        template="code",
        variables=["a", "乙😀"],
        text="您的验证码是：******。",
        state=State.SENDING,
        created_at=snapshot.now,
    )


def write(snapshot, **rest):
    message = draft(snapshot, **rest)
    write_claimed(message, using=USING)
    return message


def counts():
    return [model.objects.count() for model in (Recipient, Verification, Message)]


@pytest.mark.parametrize("is_notice", [False, True], ids=["code", "notice"])
def test_a_written_message_is_read_unchanged(is_notice):
    write(read())
    message = write(read(), is_notice=is_notice)

    found = Message.objects.get(pk=message.pk)
    for field in Message._meta.concrete_fields:
        assert getattr(found, field.attname) == getattr(message, field.attname), field.attname
    if not is_notice:
        verification = Verification.objects.get(pk=message.verification_id)
        assert (verification.recipient_id, verification.seed) == (found.recipient_id, message.verification.seed)
    assert counts() == [1, 1 if is_notice else 2, 2]


@pytest.mark.parametrize("is_known", [False, True], ids=["first message", "known phone"])
def test_of_two_claims_on_one_state_one_succeeds(is_known):
    if is_known:
        write(read())
    first, second = read(), read()
    write(first)
    before = counts()

    with pytest.raises(StaleRow), transaction.atomic():
        write(second)
    assert counts() == before


CHANGES = {
    "to wait": lambda recipient: recipient.learn_to_wait("wait_until", MINUTES),
    "suppression": lambda recipient: recipient.suppress(4030),
    "the end of a suppression": lambda recipient: recipient.lift_suppression(),
    "no advertisements": lambda recipient: recipient.opt_out(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_claim_is_stale_after_a_change_of_the_recipient(change):
    """Each change counts up the version, so that no send is decided by the earlier state."""
    message = enqueue(read())
    snapshot = read()
    change(Recipient.objects.get())
    before = counts()

    with pytest.raises(StaleRow):
        write(snapshot)
    with pytest.raises(StaleRow):
        take_claimed(message, snapshot.recipient, using=USING)
    assert (counts(), state_of(message)) == (before, State.QUEUED)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_guesses_do_not_overwrite_a_change_of_the_recipient(change):
    write(read())
    recipient = read().recipient
    change(Recipient.objects.get())

    with pytest.raises(StaleRow):
        Recipient.objects.record_guesses(recipient, {"login": {"failed_at": [0.0], "in_a_row": 1}}, marks={})
    assert Recipient.objects.get().guesses == {}


def test_a_resend_whose_phone_has_changed_extends_nothing():
    verification = write(read()).verification
    snapshot = read(verification.pk)
    snapshot.verification.expires_at += MINUTES
    write(read())

    with pytest.raises(StaleRow):
        write(snapshot, verification=snapshot.verification)
    assert Verification.objects.get(pk=verification.pk).expires_at == verification.expires_at


ENDS = {
    "attempts spent": lambda: Verification.objects.update(seed=""),
    "verified": lambda: Verification.objects.update(verified_at=timezone.now()),
    "expired": lambda: let_pass(minutes=6),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_resend_whose_verification_has_ended_claims_nothing(end):
    verification = write(read()).verification
    snapshot = read(verification.pk)
    snapshot.verification.expires_at += MINUTES
    end()
    before = Recipient.objects.get().version

    with pytest.raises(StaleRow):
        write(snapshot, verification=snapshot.verification)
    assert (Recipient.objects.get().version, counts()) == (before, [1, 1, 1])


def test_a_loser_inside_a_callers_transaction_leaves_it_usable():
    first, second = read(), read()
    with transaction.atomic():
        write(first)
        with pytest.raises(StaleRow):
            write(second)

        write(read())

    assert counts() == [1, 2, 2]


def test_no_signal_of_the_orm_is_sent_whatever_the_database():
    heard = []

    def hear(sender, **_):
        heard.append(sender)

    post_save.connect(hear)
    try:
        write(read())
    finally:
        post_save.disconnect(hear)

    assert heard == []


def enqueue(snapshot, **rest):
    message = draft(snapshot, **rest)
    message.state = State.QUEUED
    write_claimed(message, using=USING)
    return message


def state_of(message):
    return Message.objects.values_list("state", flat=True).get(pk=message.pk)


def test_of_two_who_read_a_queued_message_one_takes_it():
    message = enqueue(read())
    first, second = read(), read()

    take_claimed(message, first.recipient, using=USING)

    with pytest.raises(StaleRow):
        take_claimed(message, second.recipient, using=USING)
    taken = Message.objects.get()
    assert (taken.state, taken.taken_at is None, taken.recipient.version) == (State.SENDING, False, 1)


@pytest.mark.parametrize("state", sorted(set(State) - {State.QUEUED}))
def test_what_is_not_queued_any_more_is_not_taken(state):
    message = enqueue(read())
    Message.objects.update(state=state)

    with pytest.raises(StaleRow):
        take_claimed(message, read().recipient, using=USING)

    assert state_of(message) == state


@pytest.mark.parametrize(("is_notice", "seconds"), [(False, 31), (True, 3601)], ids=["code", "notice"])
def test_what_is_too_old_is_not_taken(is_notice, seconds):
    message = enqueue(read(), is_notice=is_notice)
    let_pass(seconds=seconds - 2)
    snapshot = read()
    let_pass(seconds=2)

    with pytest.raises(StaleRow):
        take_claimed(message, snapshot.recipient, using=USING)

    assert state_of(message) == State.QUEUED
