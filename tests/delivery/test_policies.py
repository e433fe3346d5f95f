"""A purpose with a policy: whether a code was sent, no answer tells."""

import contextlib
import json
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.test import Client

from django_ihuyi.backends import locmem
from django_ihuyi.delivery import call, in_process
from django_ihuyi.delivery.receipts import take_receipt
from django_ihuyi.exceptions import LimitReached, NotSent, SendingUnavailable, UnavailableChannel
from django_ihuyi.models import Message, Verification
from django_ihuyi.models.receipts import Receipt
from django_ihuyi.verification import VerdictOutcome, get_status
from tests.support import dispatchers
from tests.support.policies import REGISTERED, STRANGER
from tests.support.time_travel import let_pass
from tests.support.use_cases import LOCMEM, failing, guess, open_circuit_breaker, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("outbox", "_policy", "_quick")]

BOTH = [REGISTERED, STRANGER]
#: What two answers may differ in.
DIFFERING = {"verification_id", "phone", "expires_at", "resend_at"}


@pytest.fixture
def _policy(configure):
    configure(
        PURPOSES={"login": {}, "reset": {"POLICY": "tests.support.policies.is_registered"}},
        CLIENT_LIMITS={},
        CHANNELS={name: {"BACKEND": LOCMEM} for name in ("sms", "voice")},
    )


@pytest.fixture
def _quick(monkeypatch):
    """A decoy takes as long as the calls before it, of which this process has made slow ones for other tests."""
    monkeypatch.setattr(call, "_recent", [0.0])


@pytest.fixture
def queued(configure):
    dispatchers.queue.clear()
    configure(DISPATCHER=dispatchers.KEEPING)
    yield dispatchers.queue
    dispatchers.queue.clear()


def ask(phone, **rest):
    return send(phone, purpose="reset", **rest)


def test_a_code_is_sent_only_where_the_policy_returns_true(outbox):
    issued = {phone: ask(phone) for phone in BOTH}

    assert [text.phone for text in outbox] == [REGISTERED]
    assert guess(issued[REGISTERED], outbox[-1].code).outcome is VerdictOutcome.RIGHT


def test_a_policy_is_asked_for_its_own_purpose_only(outbox):
    send(STRANGER, purpose="login")

    assert [text.phone for text in outbox] == [STRANGER]


def test_a_decoy_is_verified_by_no_code_not_even_by_its_own():
    issued = ask(STRANGER)
    code = Verification.objects.get().code

    assert len(code) == 6
    assert guess(issued, code).outcome is VerdictOutcome.WRONG


def test_the_send_log_shows_that_the_policy_withheld_it(caplog):
    ask(STRANGER)

    message = Message.objects.get()
    assert (message.state, message.fault, message.counted, message.verification.decoy) == (
        "unsent",
        "policy",
        True,
        True,
    )
    assert caplog.text == ""  # strangers shall not fill a log with what is no fault


class Story:
    """What a stranger is told of a number over REST, from the first code to the last attempt."""

    def __init__(self, phone):
        self.client = Client(raise_request_exception=False)
        self.phone = phone
        self.told = []

    def post(self, path, **body):
        return self.hear(self.client.post(f"/api/phone/{path}/", json.dumps(body), content_type="application/json"))

    def hear(self, response):
        body = response.json()
        same = {name: value for name, value in body.items() if name not in DIFFERING}
        # Its seconds are those of the body.
        headers = sorted((name, "" if name == "Retry-After" else value) for name, value in response.headers.items())
        self.told.append((response.status_code, sorted(body), same, headers))
        return body

    def send(self, **more):
        return self.post("send-code", phone=self.phone, purpose="reset", **more)

    def guess(self, issued, code="000000"):
        return self.post("verify-code", verification_id=issued["verification_id"], code=code)

    def status(self, issued):
        self.hear(self.client.get(f"/api/phone/verifications/{issued['verification_id']}/"))


def tell(phone):
    story = Story(phone)
    issued = story.send()
    story.status(issued)
    story.send()  # too soon
    story.guess(issued)
    let_pass(seconds=61)
    again = story.send(verification_id=issued["verification_id"])
    assert again["verification_id"] == issued["verification_id"]
    for _ in range(5):
        story.guess(issued)
    story.status(issued)
    for _ in range(4):
        let_pass(seconds=61)
        story.send()  # the last one is the sixth of the day
    story.post("send-code", phone=phone, purpose="login")
    return story.told


def test_from_the_first_code_to_the_last_attempt_both_are_told_the_same():
    told = [tell(phone) for phone in BOTH]

    assert without_durations(told[0]) == without_durations(told[1])
    assert durations_of(told[0]) == pytest.approx(durations_of(told[1]), abs=25)
    assert [status for status, *_ in told[0]] == [
        *(202, 200, 429, 400, 202),
        *(400, 400, 400, 400, 400, 200),
        *(202, 202, 202, 429, 429),
    ]


DURATIONS = {"expires_in", "resend_in", "retry_after"}


def without_durations(told):
    return read(told, lambda members: {name: value for name, value in members.items() if name not in DURATIONS})


def durations_of(told):
    """Return all durations in their order. On a busy machine seconds pass between the two stories."""
    found = []
    read(told, lambda members: found.extend(value for name, value in sorted(members.items()) if name in DURATIONS))
    return found


def read(told, hook):
    return json.loads(json.dumps(told, default=str), object_hook=hook)


@pytest.mark.parametrize(
    "channels",
    [
        failing(outcome="refused", result_code=403),  # a number that does not exist
        failing(outcome="refused", result_code=4085),
        failing(outcome="refused", result_code=4030),
        failing(outcome="unsent"),
        failing(outcome="unknown"),
    ],
    ids=["no such number", "full", "suppressed", "unsent", "unknown"],
)
def test_what_the_platform_says_of_a_message_is_not_told(configure, channels):
    configure(CHANNELS=channels)

    issued = [ask(phone) for phone in BOTH]

    found = [get_status(each.verification_id) for each in issued]
    assert [(status.delivery, status.resend_in > 50, status.state) for status in found] == [
        ("pending", True, "pending")
    ] * 2
    for phone in BOTH:
        with pytest.raises(LimitReached):
            ask(phone)


def test_a_receipt_is_not_told_and_lets_nobody_be_called_sooner():
    issued = [ask(phone) for phone in BOTH]
    message = Message.objects.get(state="submitted")
    take_receipt(Receipt(platform_id=message.platform_id, phone=REGISTERED, is_delivered=False, code="3"))
    message.refresh_from_db()
    let_pass(seconds=5)

    assert message.state == "undelivered"
    for each in issued:
        assert get_status(each.verification_id).delivery == "pending"
        with pytest.raises(LimitReached):
            ask(each.phone, verification_id=each.verification_id, channel="voice")


@pytest.mark.parametrize("channels", [failing(), failing(outcome="unsent")], ids=["accepted", "unsent"])
def test_for_a_second_nothing_else_leaves_for_either(configure, channels):
    """The platform takes one message a second for one number, which a decoy looks as if it had been."""
    configure(CHANNELS=channels)
    for phone in BOTH:
        ask(phone)

        with pytest.raises(LimitReached) as refusal:
            send(phone, purpose="login")

        assert (refusal.value.code, refusal.value.retry_after) == ("resend_too_soon", 1)


def test_a_decoy_can_be_asked_for_as_a_call_too(outbox):
    issued = [ask(phone) for phone in BOTH]
    let_pass(seconds=61)

    spoken = [ask(each.phone, verification_id=each.verification_id, channel="voice") for each in issued]

    assert [each.verification_id for each in spoken] == [each.verification_id for each in issued]
    assert [text.phone for text in outbox] == [REGISTERED] * 2


def test_a_call_without_a_message_before_is_refused_for_both():
    for phone in BOTH:
        with pytest.raises(UnavailableChannel):
            ask(phone, channel="voice")


def test_a_verification_keeps_the_policys_first_decision(configure, outbox):
    """A resend that brought another verification would tell that somebody has just registered."""
    issued = ask(STRANGER)
    let_pass(seconds=61)
    configure(PURPOSES={"reset": {"POLICY": "tests.support.policies.is_anybody"}})

    again = ask(STRANGER, verification_id=issued.verification_id)

    assert (again.verification_id, list(outbox)) == (issued.verification_id, [])


def test_a_policy_that_fails_sends_nothing(configure, outbox):
    configure(PURPOSES={"reset": {"POLICY": "tests.support.policies.is_broken"}})

    with pytest.raises(LookupError):
        ask(REGISTERED)

    assert (list(outbox), Message.objects.count()) == ([], 0)


def test_a_refusal_by_admission_control_is_told_to_both(configure):
    configure(CHANNELS=failing(outcome="unsent"))
    open_circuit_breaker()

    assert [is_refused(phone) for phone in BOTH] == [True, True]
    assert not Message.objects.filter(purpose="reset").exists()


def test_a_queue_is_handed_both_and_its_worker_sends_one(queued, outbox):
    for phone in BOTH:
        ask(phone)
    handed = len(queued)
    dispatchers.work()

    assert (handed, [text.phone for text in outbox]) == (2, [REGISTERED])


@pytest.mark.parametrize(("fallback", "sent"), [("inline", [REGISTERED]), ("refuse", [])])
def test_a_queue_that_is_down_is_down_for_both(configure, outbox, fallback, sent):
    configure(DISPATCHER=dispatchers.FAILING, DISPATCH_FALLBACK=fallback)

    refused = [is_refused(phone) for phone in BOTH]

    assert refused == [fallback == "refuse"] * 2
    assert [text.phone for text in outbox] == sent


def test_a_queue_that_is_down_does_not_make_the_answer_wait_for_the_platform(configure):
    """Nor tell what the platform said: a number that does not exist would differ from one without an account."""
    refusing = failing(outcome="refused", result_code=403)
    configure(DISPATCHER=dispatchers.FAILING, DISPATCH_FALLBACK="inline", CHANNELS=refusing)

    for phone in BOTH:
        ask(phone)

    assert sorted(Message.objects.values_list("state", flat=True)) == ["refused", "unsent"]


def is_refused(phone):
    try:
        ask(phone)
    except SendingUnavailable:
        return True
    return False


@pytest.mark.django_db(transaction=True)
def test_the_answer_does_not_wait_for_the_platform(monkeypatch):
    """A thread of the process makes the call when the answer is under way."""
    asked, submit = [], locmem.LocmemBackend.submit
    monkeypatch.setattr(in_process, "_pool", pool := ThreadPoolExecutor(1))

    def submit_slowly(backend, phone, text):
        time.sleep(0.2)
        asked.append(phone)
        return submit(backend, phone, text)

    monkeypatch.setattr(locmem.LocmemBackend, "submit", submit_slowly)
    ask(REGISTERED)
    state = Message.objects.get().state
    pool.shutdown()

    assert (state in {"queued", "sending"}, asked) == (True, [REGISTERED])
    assert Message.objects.get().state == "submitted"


@pytest.mark.django_db(transaction=True)
def test_a_decoy_is_under_way_as_long_as_a_call(monkeypatch):
    """Meanwhile the number may be sent nothing else, which the limits tell whoever asks."""
    monkeypatch.setattr(in_process, "_pool", pool := ThreadPoolExecutor(1))
    monkeypatch.setattr(call, "_recent", [1.0])

    ask(STRANGER)
    deadline = time.monotonic() + 60
    while Message.objects.get().state == "queued" and time.monotonic() < deadline:
        time.sleep(0.01)
    state = Message.objects.get().state
    with pytest.raises(LimitReached) as refusal:
        send(STRANGER, purpose="login")
    pool.shutdown()

    assert (state, refusal.value.code, refusal.value.retry_after) == ("sending", "resend_too_soon", 9)
    assert Message.objects.get().state == "unsent"


@pytest.mark.parametrize("outcome", ["accepted", "refused", "unsent", "unknown"])
def test_numbers_that_the_platform_refuses_do_not_change_how_long_a_decoy_takes(outcome, monkeypatch, configure):
    """A stranger can have any number of calls refused at once, and could then tell a decoy by its short time."""
    monkeypatch.setattr(call, "_recent", recent := deque([1.0], maxlen=3))
    configure(CHANNELS=failing(outcome=outcome))

    for number in range(3):
        with contextlib.suppress(NotSent):
            send(f"+861390000001{number}")

    assert list(recent) == ([1.0] if outcome == "refused" else [0.0] * 3)


@pytest.mark.django_db(transaction=True)
def test_an_error_in_a_thread_is_logged_and_left_to_recovery(monkeypatch, caplog):
    monkeypatch.setattr(in_process, "_pool", pool := ThreadPoolExecutor(1))
    monkeypatch.setattr(locmem.LocmemBackend, "submit", lambda *_: 1 / 0)

    ask(REGISTERED)
    pool.shutdown()

    assert "was not delivered" in caplog.text
    assert Message.objects.get().state == "sending"


@pytest.mark.django_db(transaction=True)
def test_a_process_that_starts_no_thread_any_more_refuses_and_gives_the_claim_back(monkeypatch):
    monkeypatch.setattr(in_process, "_pool", pool := ThreadPoolExecutor(1))
    pool.shutdown()

    with pytest.raises(SendingUnavailable):
        ask(REGISTERED)

    message = Message.objects.get()
    assert (message.state, message.fault, message.counted) == ("unsent", "queue_down", False)
