"""The sample of the conversion breaker: which codes it has, and that nobody can fill it with other messages."""

import contextlib
import random
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from django_ihuyi import delivery, retention
from django_ihuyi.client.outcomes import Outcome, Submission
from django_ihuyi.delivery import admission
from django_ihuyi.delivery.outcomes import give_up, settle, withdraw
from django_ihuyi.delivery.receipts import take_receipt
from django_ihuyi.exceptions import LimitReached, NotSent
from django_ihuyi.models import Message, Verification
from django_ihuyi.models.budgets import Budget
from django_ihuyi.models.receipts import Receipt
from django_ihuyi.verification import verify_code
from tests.support.time_travel import let_pass
from tests.support.use_cases import PHONE, failing, guess_right, send

pytestmark = pytest.mark.django_db

OTHERS_OFF = {name: {"MODE": "off"} for name in ("client", "user", "prefix", "global", "unverified")}
SIMULATED = {"sms": {"BACKEND": "django_ihuyi.backends.simulator.SimulatorBackend"}}
TEST_NUMBER = "+8613900139000"
TEST_NUMBERS = {TEST_NUMBER: {"secret_code": "246810", "until": "2099-01-01", "name": "review"}}
NOTICE = {"TEXT": "您的订单{1}已发货，请注意查收。"}
#: The platform says that there is no such number.
REFUSED = 406
MOST = 150


@pytest.fixture
def platform(own_simulator, configure):
    """The simulator behind a site whose only budget is the conversion breaker, as it is by default."""
    configure(
        CHANNELS=SIMULATED,
        GUARDS=["django_ihuyi.guards.budgets.BudgetGuard"],
        BUDGETS=OTHERS_OFF,
        RESEND_INTERVAL=0,
        TEST_NUMBERS=TEST_NUMBERS,
        TEMPLATES={"code": {"TEXT": "您的验证码是：{code}。请不要把验证码泄露给其他人。"}, "order": NOTICE},
        NUMBER_LIMITS={"messages": 10_000, "codes": 10_000},
    )
    return own_simulator()


def phone_of(number, *, prefix="135"):
    return f"+86{prefix}{number:08d}"


class Attack:
    """An attacker whose codes nobody types in. Each visitor after nineteen of them does."""

    def __init__(self, platform, configure, *, prefix):
        self.platform = platform
        self.configure = configure
        #: Each attack has numbers of its own, because the platform limits a number, too.
        self.prefix = prefix
        self.spent = 0

    def last_until_the_breaker_acts(self, free, ratio):
        """Send codes, and before each `ratio` other messages; return how many codes left until one was refused."""
        for left in range(MOST):
            for _ in range(ratio if free else 0):
                self.spent += 1
                with contextlib.suppress(NotSent):
                    getattr(self, free)(self.spent)
            try:
                send(phone_of(left, prefix=self.prefix))
            except LimitReached as refused:
                if refused.code != "global_limit":
                    raise
                return left
            if left % 20 == 19:
                visitor = phone_of(50_000_000 + left, prefix=self.prefix)
                verify_code(send(visitor).verification_id, self.platform.latest_code(visitor[3:]))
            if left % 10 == 9:
                let_pass(seconds=61)
        return MOST

    def refused(self, number):
        self.platform.force(REFUSED, times=1)
        send(phone_of(number, prefix="136"))

    def withheld(self, number):
        send(TEST_NUMBER)

    def notice(self, number):
        delivery.send(phone_of(number, prefix="137"), template="order", variables=["7"])

    def unsent(self, number):
        self.configure(CHANNELS=failing(outcome="unsent"))
        try:
            send(phone_of(number, prefix="138"))
        finally:
            admission.forget()
            self.configure(CHANNELS=SIMULATED)

    def resend(self, number):
        known = Verification.objects.filter(decoy=False).exclude(seed="").order_by("-created_at").first()
        if known:
            Message.objects.filter(verification=known).update(finished_at=F("finished_at") - timedelta(seconds=2))
            send(known.phone, verification_id=known.pk)

    def mixture(self, number):
        kinds = [self.refused, self.withheld, self.notice, self.unsent]
        kinds[number % len(kinds)](number)


@pytest.mark.parametrize(
    ("free", "ratio"),
    [("refused", 5), ("withheld", 5), ("resend", 5), ("mixture", 8)],
)
def test_f24_messages_that_are_no_codes_do_not_delay_the_breaker(free, ratio, platform, configure, figure):
    alone = Attack(platform, configure, prefix="135").last_until_the_breaker_acts(None, 0)
    for model in (Message, Verification, Budget):
        model.objects.all().delete()

    mixed = Attack(platform, configure, prefix="134").last_until_the_breaker_acts(free, ratio)

    figure(f"F24 unverified codes before the breaker acts, {free} {ratio} : 1", f"{mixed} [target at most {alone}]")
    assert 0 < mixed <= alone < MOST


class History:
    """Random messages, and a model of the sample: a list of all messages that were written."""

    OUTCOMES = ("accepted", "refused", "unsent", "unknown")
    #: {purpose: its policy}
    PURPOSES = {"login": None, "join": "is_anybody", "reset": "is_registered"}

    def __init__(self, seed, configure):
        self.random = random.Random(seed)
        self.configure = configure
        #: {id of a message: whether the sample has it}, in the order of their writing.
        self.is_sampled = {}

    def grow(self):
        let_pass(seconds=self.random.choice([2, 2, 20, 90]))
        action = self.random.choice([self.send, self.send, self.resend, self.verify, self.receive, self.end_unknown])
        action()
        admission.forget()

    def send(self, phone="", purpose="", **rest):
        outcome = self.random.choice(self.OUTCOMES)
        phone = phone or self.random.choice([phone_of(self.random.randrange(10**8)), TEST_NUMBER])
        purpose = purpose or self.random.choice(list(self.PURPOSES))
        # 4085: refused, and counted by the number's limits.
        code = self.random.choice([REFUSED, 4085])
        self.configure(CHANNELS=failing(outcome=outcome, result_code=code))
        before = Message.objects.count()
        with contextlib.suppress(NotSent):
            send(phone, purpose=purpose, **rest)
        if Message.objects.count() > before:
            is_one = outcome in ("accepted", "unknown") or self.PURPOSES[purpose] is not None
            self.is_sampled[Message.objects.latest("id").pk] = is_one and phone != TEST_NUMBER

    def resend(self):
        if known := self.pick(Verification.objects.order_by("created_at")):
            self.send(known.phone, known.purpose, verification_id=known.pk)

    def verify(self):
        if known := self.pick(Verification.objects.exclude(seed="").order_by("created_at")):
            verify_code(known.pk, known.code)

    def receive(self):
        if message := self.pick(Message.objects.filter(state__in=["submitted", "unknown"]).order_by("id")):
            platform_id = message.platform_id or f"{self.random.randrange(10**9)}"
            is_delivered = self.random.random() < 0.5
            take_receipt(Receipt(platform_id=platform_id, phone=message.phone, is_delivered=is_delivered, code="0"))

    def end_unknown(self):
        """Let a call end after recovery wrote `unknown`."""
        message = self.pick(Message.objects.filter(state="unknown", platform_id="").order_by("id"))
        if message:
            outcome = self.random.choice([Outcome.ACCEPTED, Outcome.REFUSED, Outcome.UNSENT])
            code = {Outcome.ACCEPTED: 2, Outcome.REFUSED: REFUSED}.get(outcome)
            settle(message, Submission(outcome=outcome, code=code, text="", elapsed=0.1), using="default")
            self.is_sampled[message.pk] = outcome is Outcome.ACCEPTED or self.PURPOSES[message.purpose] is not None

    def pick(self, rows):
        """Return one of the latest rows."""
        latest = list(rows)[-5:]
        return self.random.choice(latest) if latest else None

    def sample(self, most, *, since, until):
        """Return what the breaker should read, by going through all messages."""
        seen, verified = set(), []
        for message in Message.objects.select_related("verification").order_by("id"):
            if self.is_sampled[message.pk] and message.verification_id not in seen:
                seen.add(message.verification_id)
                if since < message.created_at <= until:
                    verified.append(message.verification.verified_at is not None)
        return verified[::-1][:most]


@pytest.mark.parametrize("seed", range(3))
def test_the_sample_is_what_a_search_through_all_messages_finds(seed, configure, outbox):
    configure(
        PURPOSES={
            purpose: {"POLICY": f"tests.support.policies.{policy}"} if policy else {}
            for purpose, policy in History.PURPOSES.items()
        },
        RESEND_INTERVAL=0,
        TEST_NUMBERS=TEST_NUMBERS,
        NUMBER_LIMITS={"messages": 10_000, "codes": 10_000},
    )
    history = History(seed, configure)
    for _ in range(12):
        for _ in range(10):
            history.grow()
        now = timezone.now()
        for most, oldest, newest in ((100, 1440, 1), (5, 1440, 1), (100, 20, 5), (100, 1440, 0)):
            between = {"since": now - timedelta(minutes=oldest), "until": now - timedelta(minutes=newest)}

            assert Message.objects.verified_of_last(most, **between) == history.sample(most, **between)

    assert {True, False} <= set(history.sample(100, since=now - timedelta(days=1), until=now))


def sample():
    """Return the whole sample."""
    now = timezone.now()
    return Message.objects.verified_of_last(100, since=now - timedelta(days=1), until=now + timedelta(minutes=1))


@pytest.mark.parametrize("purpose", ["login", "join"])
def test_a_message_that_is_queued_or_withdrawn_is_in_no_sample(purpose, configure, outbox):
    configure(
        DISPATCHER="tests.support.dispatchers.KeepingDispatcher",
        PURPOSES={"login": {}, "join": {"POLICY": "tests.support.policies.is_registered"}},
    )
    send(PHONE, purpose=purpose)
    queued = sample()

    withdraw(Message.objects.get(), fault="too_old", using="default")

    assert (queued, sample(), Message.objects.get().state) == ([], [], "unsent")


def test_a_message_whose_worker_died_is_in_the_sample(outbox):
    send()
    Message.objects.update(state="sending")
    sending = sample()
    give_up(Message.objects.get(), using="default")

    assert (sending, sample()) == ([], [False])


@pytest.mark.parametrize("outcome", ["accepted", "refused", "unsent", "unknown"])
@pytest.mark.parametrize("policy", ["is_anybody", "is_registered"], ids=["sent", "decoy"])
def test_the_sample_does_not_show_what_became_of_a_message_whose_purpose_has_a_policy(
    policy, outcome, configure, outbox
):
    """Else the breaker would show which of the numbers that the platform refuses are registered."""
    configure(PURPOSES={"login": {"POLICY": f"tests.support.policies.{policy}"}}, CHANNELS=failing(outcome=outcome))

    send()

    assert sample() == [False]


def test_a_number_that_is_forgotten_leaves_the_sample(outbox):
    guess_right(send())
    before = sample()

    retention.forget(PHONE)

    assert (before, sample()) == ([True], [])


def test_a_code_that_was_purged_unverified_stays_in_the_sample(configure, outbox):
    """Else a site that keeps unverified codes for an hour would see verified ones only."""
    configure(RETENTION={"unverified_hours": 1})
    send()
    let_pass(hours=2)

    list(retention.purge())

    assert (Verification.objects.count(), sample()) == (0, [False])
