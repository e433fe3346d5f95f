"""Inside a caller's transaction no message leaves before the commit, and none after a rollback."""

import logging

import pytest
from django.db import transaction

from django_ihuyi import signals
from django_ihuyi.backends.base import BaseBackend
from django_ihuyi.backends.locmem import LocmemBackend
from django_ihuyi.exceptions import LimitReached
from django_ihuyi.models import Message, Verification
from django_ihuyi.verification import VerdictOutcome
from tests.support.use_cases import failing, guess_right, send

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("outbox")]


class BrokenBackend(BaseBackend):
    """A third-party backend with a bug."""

    def submit(self, phone, text):
        raise RuntimeError("a bug")


class WatchingBackend(LocmemBackend):
    """Records whether a transaction is open during the call."""

    seen = []

    def submit(self, phone, text):
        self.seen.append(transaction.get_connection().in_atomic_block)
        return super().submit(phone, text)


def test_a_message_leaves_after_the_commit_of_the_callers_transaction(outbox):
    with transaction.atomic():
        issued = send()
        before_commit = list(outbox)

    assert before_commit == []
    assert [text.phone for text in outbox] == [issued.phone]
    assert Message.objects.get().state == "submitted"
    assert guess_right(issued).outcome is VerdictOutcome.RIGHT


def test_nothing_leaves_after_a_rollback(outbox):
    with transaction.atomic():
        send()
        transaction.set_rollback(True)

    assert (list(outbox), Message.objects.count(), Verification.objects.count()) == ([], 0, 0)


def test_nothing_leaves_when_only_the_inner_block_is_rolled_back(outbox):
    with transaction.atomic(), transaction.atomic():
        send()
        transaction.set_rollback(True)

    assert (list(outbox), Message.objects.count()) == ([], 0)


def test_the_limits_hold_inside_the_callers_transaction_too():
    with transaction.atomic():
        send()
        with pytest.raises(LimitReached):
            send()

    assert Message.objects.count() == 1


def test_the_outcome_is_written_after_the_commit(configure):
    configure(CHANNELS=failing(outcome="refused", result_code=408))

    with transaction.atomic():
        send()

    message = Message.objects.get()
    assert (message.state, message.recipient.suppressed_code) == ("refused", 408)


def test_no_transaction_is_open_while_the_platform_is_called(configure):
    configure(CHANNELS={"sms": {"BACKEND": f"{__name__}.WatchingBackend"}})
    WatchingBackend.seen.clear()

    send()
    with transaction.atomic():
        send("+8613900139000")

    assert WatchingBackend.seen == [False, False]


def test_a_bug_in_a_backend_is_logged_and_does_not_reach_a_caller_who_has_committed(configure, caplog):
    configure(CHANNELS={"sms": {"BACKEND": f"{__name__}.BrokenBackend"}})

    with caplog.at_level(logging.ERROR), transaction.atomic():
        send()

    assert "a bug" in caplog.text
    assert Message.objects.get().state == "sending"


def test_signals_are_sent_after_the_commit_only(outbox):
    heard = []

    def listen(sender, **arguments):
        heard.append(len(outbox))

    signals.code_sent.connect(listen)
    try:
        with transaction.atomic():
            send()
            transaction.set_rollback(True)
        with transaction.atomic():
            send()
            before_commit = list(heard)
    finally:
        signals.code_sent.disconnect(listen)

    assert (before_commit, heard) == ([], [1])
