"""Admission control: which calls are let through to the platform, and what a refusal leaves untouched."""

import itertools
import logging
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.db import transaction

from django_ihuyi import delivery, signals
from django_ihuyi.backends.locmem import LocmemBackend
from django_ihuyi.client.outcomes import Outcome, Submission
from django_ihuyi.delivery import admission
from django_ihuyi.delivery.admission import permit as permit_module
from django_ihuyi.delivery.admission.permit import acquire_permit
from django_ihuyi.delivery.dispatch import permit_to_call
from django_ihuyi.delivery.routing import Route
from django_ihuyi.exceptions import LimitReached, NotSent, SendingUnavailable
from django_ihuyi.guards import Guard
from django_ihuyi.models import Message, Recipient
from tests.support.time_travel import let_pass
from tests.support.use_cases import LOCMEM, PHONE, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("outbox", "platform")]

REFUSED = {"outcome": Outcome.REFUSED, "code": 405, "fault": ""}
GONE = {"outcome": Outcome.UNSENT, "code": None, "fault": "connection_refused"}
SILENT = {"outcome": Outcome.UNKNOWN, "code": None, "fault": "deadline"}
SLOW_DOWN = {"outcome": Outcome.REFUSED, "code": None, "fault": "throttled"}
BUSY = {"outcome": Outcome.REFUSED, "code": 4082, "fault": ""}


class FickleBackend(LocmemBackend):
    """Fails as `fate` says, which a test may change without touching a setting."""

    fate = None
    calls = 0

    def submit(self, phone, text):
        type(self).calls += 1
        if isinstance(self.fate, Exception):
            raise self.fate
        if self.fate is None:
            return super().submit(phone, text)
        return Submission(text="as fate has it", elapsed=0.0, **self.fate)


@pytest.fixture
def platform(configure, clock):
    """A backend whose fate changes; on the channels of codes and of notices alike."""
    fickle = {"BACKEND": f"{__name__}.FickleBackend"}
    configure(
        CHANNELS={"sms": fickle, "marketing": {"BACKEND": LOCMEM}},
        TEMPLATES={"code": {"TEXT": "代码 {code}"}, "news": {"TEXT": "晚上八点开售。"}},
    )
    admission.forget(clock=clock)
    FickleBackend.fate, FickleBackend.calls = None, 0
    return FickleBackend


@pytest.fixture
def blocked():
    """What the signal told."""
    told = []

    def note(sender, signal, **arguments):
        told.append(arguments)

    with connected(signals.platform_blocked, note):
        yield told


@contextmanager
def connected(signal, receiver):
    signal.connect(receiver)
    try:
        yield
    finally:
        signal.disconnect(receiver)


numbers = itertools.count(1)


def attempt(phone=None):
    """Send, to a phone of its own; return after how many seconds to come back, None if the code is on its way."""
    try:
        send(phone or f"+86139{next(numbers):08}")
    except NotSent as refusal:
        return refusal.retry_after


def break_down(platform, fate=GONE, *, sends=5):
    """Let so many sends fail."""
    platform.fate = fate
    for _ in range(sends):
        attempt()


def fail():
    """Make a call that fails."""
    with acquire_permit("sms") as permit:
        permit.call(lambda: Submission(text="", elapsed=0.0, **GONE))


def said(caplog, *, level=logging.WARNING):
    """Return what the log of admission control says at a level."""
    return [
        record.getMessage()
        for record in caplog.records
        if (record.name, record.levelno) == ("django_ihuyi.gates", level)
    ]


def test_a_refusal_tells_the_public_when_to_try_again_and_not_why(platform, client):
    break_down(platform, REFUSED)

    response = client.post("/api/phone/send-code/", {"phone": PHONE, "purpose": "login"}, "application/json")

    assert (response.status_code, response["Retry-After"]) == (503, "30")
    assert response.json()["code"] == "sending_unavailable"
    assert "405" not in response.content.decode()


@pytest.mark.parametrize("fate", [GONE, SILENT, SLOW_DOWN], ids=["unsent", "unknown", "HTTP 429"])
def test_after_five_failures_nothing_is_called_reserved_or_even_read(platform, fate, django_assert_num_queries):
    break_down(platform, fate)

    with django_assert_num_queries(0):
        assert [attempt() for _ in range(100)] == [30] * 100
    assert (platform.calls, Message.objects.count(), Recipient.objects.count()) == (5, 5, 5)


def test_the_first_send_after_the_pause_finds_that_the_platform_works_again(platform, clock, outbox):
    break_down(platform)
    platform.fate = None
    clock.let_pass(29)
    assert attempt() == 1
    clock.let_pass(1)

    assert [attempt() for _ in range(10)] == [None] * 10
    assert len(outbox) == 10


def test_a_refusal_of_one_message_shows_that_the_platform_works(platform):
    break_down(platform, sends=4)
    platform.fate = BUSY
    attempt()
    break_down(platform, sends=4)

    platform.fate = None
    assert attempt() is None


class CountingGuard(Guard):
    """Counts what it was asked, as a captcha is spent by being checked."""

    asked = 0

    def check(self, wanted, *, using):
        type(self).asked += 1
        return wanted


def test_no_guard_is_asked_and_no_captcha_spent_while_the_breaker_is_open(platform, configure):
    CountingGuard.asked = 0
    configure(GUARDS=[f"{__name__}.CountingGuard"])
    break_down(platform)

    attempt()

    assert CountingGuard.asked == 5


class SlowGuard(Guard):
    """While it judges, somebody else calls the platform; then it refuses, as a captcha that nobody solved."""

    def check(self, wanted, *, using):
        with ThreadPoolExecutor(1) as others:
            others.submit(_call_and_return).result()
        raise LimitReached("client_limit", retry_after=1)


def _call_and_return():
    with acquire_permit("sms"):
        pass


def test_a_slow_guard_blocks_no_other_call(configure):
    configure(GUARDS=[f"{__name__}.SlowGuard"], PLATFORM_CONCURRENCY=1)

    with pytest.raises(LimitReached):
        send()


def test_a_send_that_a_guard_refuses_uses_up_no_probe(platform, clock, configure):
    configure(GUARDS=[f"{__name__}.SlowGuard"])
    admission.forget(clock=clock)
    for _ in range(5):
        fail()
    clock.let_pass(30)

    with pytest.raises(LimitReached):
        send()


class OccupyingGuard(Guard):
    """While it judges, somebody else takes the last place, for a moment."""

    def check(self, wanted, *, using):
        taken = threading.Event()
        threading.Thread(target=_hold_a_place, args=(taken,)).start()
        assert taken.wait(60)
        return wanted


def _hold_a_place(taken):
    with acquire_permit("sms"):
        taken.set()
        threading.Event().wait(0.05)


@pytest.fixture
def long_patience(monkeypatch):
    """Let a busy machine take as long as it likes."""
    monkeypatch.setattr(permit_module, "PATIENCE", 60)
    monkeypatch.setattr(permit_module, "STANDSTILL", 60)


@pytest.mark.usefixtures("long_patience")
def test_a_send_waits_for_a_slot_that_was_taken_while_its_guards_ran(configure, outbox):
    configure(GUARDS=[f"{__name__}.OccupyingGuard"], PLATFORM_CONCURRENCY=1)

    send()

    assert len(outbox) == 1


class ClosingGuard(Guard):
    """While it judges, the platform breaks down."""

    given_back = 0

    def check(self, wanted, *, using):
        for _ in range(5):
            fail()
        return wanted

    def give_back(self, wanted, *, using):
        type(self).given_back += 1


def test_a_guard_gives_its_count_back_if_the_breaker_opens_meanwhile(configure):
    ClosingGuard.given_back = 0
    configure(GUARDS=[f"{__name__}.ClosingGuard"])

    with pytest.raises(SendingUnavailable):
        send()
    assert (ClosingGuard.given_back, Message.objects.count()) == (1, 0)


def test_a_send_that_the_limits_refuse_uses_up_no_probe(platform, clock):
    send()
    break_down(platform)
    platform.fate = None
    clock.let_pass(30)

    with pytest.raises(LimitReached):
        send()
    assert attempt() is None


def test_a_send_that_finds_no_slot_uses_up_no_probe(platform, clock, configure):
    configure(PLATFORM_CONCURRENCY=1)
    admission.forget(clock=clock)
    break_down(platform)
    platform.fate = None
    clock.let_pass(30)

    with acquire_permit("marketing"):
        assert attempt() == 2
    assert attempt() is None


def test_a_send_that_the_limits_refuse_keeps_no_slot():
    send()

    for _ in range(20):
        with pytest.raises(LimitReached):
            send()
    assert attempt() is None


def test_a_backend_that_raises_frees_its_slot(platform):
    platform.fate = RuntimeError("a bug")
    for _ in range(20):
        with pytest.raises(RuntimeError):
            attempt()

    platform.fate = None
    assert attempt() is None


def test_a_refused_account_is_logged_once_with_the_next_step(platform, clock, caplog, blocked):
    break_down(platform, REFUSED)
    for _ in range(5):
        clock.let_pass(30)
        attempt()

    assert (platform.calls, blocked) == (6, [{"channel": "sms", "result_code": 405}])
    [text] = said(caplog, level=logging.ERROR)
    assert text == (
        "Nothing can be sent on the channel sms until the operator acts: the platform refuses the account with 405. "
        "Account or key is wrong; compare them with those of this product (each has its own). "
        "The platform is asked again every 30 seconds; sending continues by itself once the cause is mended."
    )


def test_an_account_that_was_mended_works_within_a_minute_and_without_a_restart(platform, clock, caplog):
    break_down(platform, REFUSED, sends=1)
    platform.fate = None
    assert attempt() == 30
    clock.let_pass(30)

    assert attempt() is None
    assert said(caplog) == ["The platform works again on the channel sms."]


def test_a_platform_that_is_down_is_logged_once(platform, clock, caplog):
    break_down(platform, sends=10)
    for _ in range(5):
        clock.let_pass(30)
        attempt()

    [text] = said(caplog)
    assert text == (
        "The platform cannot be used on the channel sms: 5 attempts in a row failed, the last one with "
        "connection_refused. It is not called for 30 seconds, then once to see whether it works again."
    )


def test_the_signal_comes_after_the_message_is_settled(platform):
    states = []

    def note(sender, signal, **_):
        states.append(Message.objects.get().state)

    with connected(signals.platform_blocked, note):
        break_down(platform, REFUSED, sends=1)

    assert states == ["refused"]


def test_a_receiver_that_raises_stops_no_other(platform):
    def fail(sender, **_):
        raise RuntimeError("a bug of the host")

    platform.fate = REFUSED
    with connected(signals.platform_blocked, fail):
        assert attempt() == 60


def test_notices_need_a_permit_too(platform):
    break_down(platform)

    with pytest.raises(SendingUnavailable) as caught:
        delivery.send(PHONE, template="news")
    assert (caught.value.retry_after, platform.calls) == (30, 5)


def test_each_channel_has_a_breaker_of_its_own(platform):
    break_down(platform)

    assert delivery.send(PHONE, template="news", channel="marketing").state == "submitted"


def test_changed_settings_reset_admission_control(platform, configure):
    break_down(platform)
    platform.fate = None

    configure(CODE_LENGTH=8)

    assert attempt() is None


def test_no_more_calls_than_slots_are_made_at_once(configure):
    configure(PLATFORM_CONCURRENCY=2)
    with acquire_permit("sms"), ThreadPoolExecutor(2) as threads:
        inside, leave = threading.Event(), threading.Event()
        other = threads.submit(hold, "marketing", inside, leave)
        inside.wait(60)
        refused = [threads.submit(hold, channel, None, None).exception() for channel in ("sms", "marketing")]
        leave.set()
        other.result()
        assert threads.submit(hold, "sms", None, None).exception() is None

    assert [error.retry_after for error in refused] == [2, 2]


def hold(channel, inside, leave):
    with acquire_permit(channel):
        if inside:
            inside.set()
            leave.wait(60)


def test_a_patient_call_takes_the_slot_that_another_one_frees(configure):
    configure(PLATFORM_CONCURRENCY=1)
    let_in = threading.Event()

    def come_later():
        with acquire_permit("sms", patience=60):
            let_in.set()

    with ThreadPoolExecutor() as pool:
        with acquire_permit("sms"):
            later = pool.submit(come_later)
            was_let_in = let_in.wait(0.1)
        later.result(timeout=60)

    assert (was_let_in, let_in.is_set()) == (False, True)


def leave_and_call(seconds):
    with permit_to_call("sms", route=Route.INLINE):
        time.sleep(seconds)


@pytest.mark.usefixtures("long_patience")
def test_the_calls_of_a_burst_are_made_one_after_another(configure):
    configure(PLATFORM_CONCURRENCY=1)

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(leave_and_call, 0.02) for _ in range(4)]:
            done.result(timeout=60)


@contextmanager
def hanging():
    """Let another thread wait for the platform."""
    called, ended = threading.Event(), threading.Event()

    def submit():
        called.set()
        ended.wait(60)
        return Submission(text="", elapsed=0.0, **SILENT)

    def call():
        with acquire_permit("sms") as permit:
            permit.call(submit)

    caller = threading.Thread(target=call)
    caller.start()
    assert called.wait(60)
    try:
        yield
    finally:
        ended.set()
        caller.join()


def test_a_slot_that_has_not_called_yet_is_waited_for(configure):
    configure(PLATFORM_CONCURRENCY=1)
    with ThreadPoolExecutor(1) as pool:
        with acquire_permit("sms"):
            later = pool.submit(leave_and_call, 0)
            time.sleep(3 * permit_module.STANDSTILL)
        later.result(timeout=60)


def test_no_call_waits_while_all_slots_hang(configure, monkeypatch):
    configure(PLATFORM_CONCURRENCY=1)
    # An hour, for which this test does not wait.
    monkeypatch.setattr(permit_module, "PATIENCE", 3600)
    with ThreadPoolExecutor(1) as pool, hanging():
        time.sleep(permit_module.STANDSTILL)
        refused = [pool.submit(leave_and_call, 0).exception(timeout=60) for _ in range(3)]

    assert [type(error) for error in refused] == [SendingUnavailable] * 3


def test_a_function_called_inside_shares_the_permit(configure):
    configure(PLATFORM_CONCURRENCY=1)

    with acquire_permit("sms") as outer, acquire_permit("sms") as inner:
        assert inner is outer


def test_a_permit_is_good_for_one_call(platform, configure):
    """What a receiver sends when a message has failed needs leave of its own: the breaker may have opened."""
    configure(PLATFORM_CONCURRENCY=1)
    told = []

    def complain(sender, message, **_):
        if message.phone == PHONE:
            told.append(attempt())

    platform.fate = REFUSED
    with connected(signals.message_changed, complain):
        attempt(PHONE)

    assert (told, platform.calls) == ([30], 1)


@pytest.mark.django_db(transaction=True)
def test_a_message_that_gets_no_permit_after_the_commit_is_unsent_and_not_counted(platform):
    with transaction.atomic():
        send()
        for _ in range(5):
            with acquire_permit("sms") as permit:
                permit.call(lambda: Submission(text="", elapsed=0.0, **GONE))

    message = Message.objects.get()
    assert (message.state, message.fault, message.counted, platform.calls) == ("unsent", "not_called", False, 0)


@pytest.fixture
def long_patience_at_the_call(monkeypatch):
    """Let a busy machine take as long as it likes."""
    monkeypatch.setattr(permit_module, "PATIENCE", 60)
    monkeypatch.setattr(permit_module, "STANDSTILL", 60)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("long_patience_at_the_call")
def test_a_message_waits_for_a_slot_after_the_commit_too(configure, outbox):
    configure(PLATFORM_CONCURRENCY=1)

    with transaction.atomic():
        send()
        taken = threading.Event()
        threading.Thread(target=_hold_a_place, args=(taken,)).start()
        assert taken.wait(60)

    assert (len(outbox), Message.objects.get().state) == (1, "submitted")


@pytest.mark.django_db(transaction=True)
def test_nothing_is_reserved_in_a_callers_transaction_while_the_breaker_is_open(platform):
    break_down(platform)

    with transaction.atomic():
        assert attempt() == 30

    assert Message.objects.count() == 5


def test_a_message_with_a_permit_is_settled_as_usual(platform):
    platform.fate = GONE
    assert attempt(PHONE) == 5
    platform.fate = None
    let_pass(seconds=2)

    assert attempt(PHONE) is None
    assert list(Message.objects.order_by("id").values_list("state", "counted")) == [
        ("unsent", False),
        ("submitted", True),
    ]


SETTINGS = {"INSTALLED_APPS": ["django_ihuyi"], "IHUYI": {"PLATFORM_CONCURRENCY": 1}}
FORK = """
import os, sys, threading
import django
django.setup()
from django_ihuyi.delivery.admission.permit import acquire_permit

def hold(inside, leave):
    with acquire_permit("sms"):
        inside.set()
        leave.wait(60)

inside, leave = threading.Event(), threading.Event()
thread = threading.Thread(target=hold, args=(inside, leave))
thread.start()
inside.wait(60)
child = os.fork()
if child == 0:
    with acquire_permit("sms"):
        os._exit(7)
leave.set()
thread.join()
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""

if os.name == "posix":  # Windows has no forks.

    def test_a_fork_has_its_own_admission_control():
        """The calls of the parent's threads, which the child does not have, take up no room in it."""
        script = f"from django.conf import settings\nsettings.configure(**{SETTINGS!r})\n{FORK}"
        finished = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=180)

        assert finished.stdout == "7\n"
