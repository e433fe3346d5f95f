"""One call: a process that was stopped, or had to wait, hands nothing stale over."""

import time

import pytest
from django.db import connection, transaction

from django_ihuyi.delivery.dispatch import dispatch
from django_ihuyi.delivery.routing import Route
from django_ihuyi.models import Message
from tests.delivery.test_queue import _queue, notify  # noqa: F401 - a fixture among them
from tests.support import dispatchers
from tests.support.use_cases import send

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("outbox")]


@pytest.mark.parametrize(
    ("kind", "seconds", "arrives"),
    [
        ("code", 29, True),
        ("code", 31, False),
        # Eight seconds for the call, and then its lease of a minute is over.
        ("notice", 51, True),
        ("notice", 53, False),
    ],
)
def test_a_process_that_was_stopped_before_the_call_sends_nothing_stale(outbox, kind, seconds, arrives):
    """Inline: between the claim and the call it has no other clock than its own."""
    send()
    outbox.clear()
    Message.objects.update(state="sending", finished_at=None, kind=kind)

    asked_at = time.monotonic() - seconds
    dispatch(Message.objects.get(), route=Route.INLINE, using="default", asked_at=asked_at)

    message = Message.objects.get()
    assert (len(outbox), message.state, message.counted) == (
        (1, "submitted", True) if arrives else (0, "unsent", False)
    )


def test_a_transaction_that_lasts_too_long_sends_nothing_stale(outbox, monkeypatch):
    with transaction.atomic():
        send()
        now = time.monotonic
        # The half minute is played: a real one would be a tenth of what the whole suite may take.
        monkeypatch.setattr(time, "monotonic", lambda: now() + 31)

    assert (list(outbox), Message.objects.get().fault) == ([], "too_old")


@pytest.mark.usefixtures("_queue")
@pytest.mark.parametrize(("seconds", "arrives"), [(51, True), (53, False)])
def test_a_worker_that_was_stopped_after_it_took_a_message_calls_only_if_the_call_ends_within_the_lease(
    outbox, monkeypatch, seconds, arrives
):
    """After the lease recovery says that nobody knows, and another message may leave for the number."""
    notify()
    now, stopped_for = time.monotonic, 0

    def stop_after_taking(execute, sql, *rest):
        nonlocal stopped_for
        result = execute(sql, *rest)
        stopped_for = seconds if "taken_at" in sql and sql.startswith(("UPDATE", "\nWITH")) else stopped_for
        return result

    monkeypatch.setattr(time, "monotonic", lambda: now() + stopped_for)
    with connection.execute_wrapper(stop_after_taking):
        dispatchers.work()

    message = Message.objects.get()
    assert stopped_for == seconds
    assert (len(outbox), message.state, message.counted) == (
        (1, "submitted", True) if arrives else (0, "unsent", False)
    )
