"""The codes of one phone, compared with a model: sends, resends, guesses, receipts, clock changes and restarts."""

import time

import pytest
import time_machine
from django.db import connection
from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from django_ihuyi.backends.locmem import outbox
from django_ihuyi.delivery import admission, receipts
from django_ihuyi.delivery.recovery import recover
from django_ihuyi.exceptions import LimitReached, SendingUnavailable
from django_ihuyi.models import Message, State, Verification
from django_ihuyi.models.receipts import Receipt
from django_ihuyi.verification import get_status, verify_code
from tests.support.life_model import ATTEMPTS, MESSAGES_A_DAY, Model
from tests.support.time_travel import MODELS, let_pass
from tests.support.use_cases import PHONE, failing, other_than, send

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("outbox")]

#: Seconds that a step may take on a busy machine: an answer that is right at any time in them is accepted.
SLACK = 5
#: Neither these nor sums of a few come near a limit of the app, so that SLACK makes few answers ambiguous.
STEPS = [17, 31, 71, 137, 331, 1_000, 5_000, 30_000, 86_500]
PURPOSES = ["login", "login", "register"]
EXAMPLES, STEPS_OF_ONE = 40, 30


class Life(RuleBasedStateMachine):
    """The app and the model, side by side."""

    configure = None
    guesses = 0

    def __init__(self):
        super().__init__()
        for model in reversed(MODELS):
            model.objects.all().delete()
        outbox.clear()
        self.model = Model()
        self.codes = {}
        self.passed = 0
        self.began = time.perf_counter()
        self.clock = None

    def teardown(self):
        self.stop_clock()

    @property
    def now(self):
        return self.passed + time.perf_counter() - self.began

    def either(self, answer):
        """Return the model's answers now, and SLACK seconds before and after."""
        return {answer(self.now + difference) for difference in (-SLACK, 0, SLACK)}

    @rule(
        purpose=st.sampled_from(PURPOSES),
        outcome=st.sampled_from(["accepted", "accepted", "accepted", "unknown", "unsent"]),
        resend=st.booleans(),
        pause=st.sampled_from([0, 71, 137, 331]),
        guesses=st.sampled_from([None, "wrong", "wrong", "right"]),
    )
    def send(self, purpose, outcome, resend, pause, guesses):
        """Send after a pause and guess at once, so that distant limits are reached in a few steps."""
        self.wait(pause)
        named = self.newest(purpose) if resend else None
        expected = self.either(lambda now: self.model.refusal(purpose, now))
        again = self.either(lambda now: self.model.is_resend(named, purpose, now))
        self.configure(CHANNELS=failing(outcome=outcome))
        answered, issued = self.ask(purpose, named)
        admission.forget()

        has_left = answered is None
        assert answered in expected | ({"sending_unavailable"} if outcome == "unsent" and None in expected else set())
        assert not (answered is None and outcome == "unsent")
        if issued:
            assert (issued.verification_id == named) in again
            self.codes[issued.verification_id] = Verification.objects.get(pk=issued.verification_id).code
            self.model.send(issued.verification_id, purpose=purpose, named=named, now=self.now, has_left=has_left)
        elif answered == "sending_unavailable" and again == {True}:
            self.model.send(named, purpose=purpose, named=named, now=self.now, has_left=False)
        elif answered == "sending_unavailable":
            assume(again == {False})
        if issued and guesses:
            self.guess(purpose, guesses == "right")

    def ask(self, purpose, named):
        try:
            return None, send(purpose=purpose, verification_id=named)
        except LimitReached as error:
            return error.code, None
        except SendingUnavailable as error:
            return error.code, None

    @precondition(lambda self: self.codes)
    @rule(purpose=st.sampled_from(PURPOSES), is_right=st.booleans())
    def guess_later(self, purpose, is_right):
        self.guess(purpose, is_right)

    def guess(self, purpose, is_right):
        """Guess with the right code, or wrongly until no guess is judged."""
        named = self.newest(purpose)
        for _ in range(1 if is_right else ATTEMPTS + 1) if named else ():
            expected = self.either(lambda now: self.model.verdict(named, is_right, now))
            code = self.codes[named] if is_right else other_than(self.codes[named])

            verdict = verify_code(named, code).outcome.value

            assert verdict in expected
            self.model.guess(named, verdict, self.now)
            type(self).guesses += 1

    def newest(self, purpose):
        """Return the id of the last verification for a purpose, if there is one."""
        return next((named for named, code in reversed(self.model.codes.items()) if code.purpose == purpose), None)

    @rule(seconds=st.sampled_from(STEPS))
    def let_time_pass(self, seconds):
        self.wait(seconds)

    def wait(self, seconds):
        let_pass(seconds=seconds)
        self.passed += seconds

    @rule(what=st.sampled_from(["delivered", "undelivered", "restarted", "an hour ahead", "an hour behind"]))
    def disturb(self, what):
        """Do something that changes no limit, no code and no count."""
        if what in ("delivered", "undelivered"):
            for message in Message.objects.exclude(platform_id=""):
                is_delivered = what == "delivered"
                receipts.take_receipt(
                    Receipt(platform_id=message.platform_id, phone=PHONE, is_delivered=is_delivered, code="2")
                )
        elif what == "restarted":
            connection.close()
            admission.forget()
            recover()
        else:
            self.stop_clock()
            self.clock = time_machine.travel(time.time() + (3600 if what == "an hour ahead" else -3600))
            self.clock.start()

    def stop_clock(self):
        if self.clock:
            self.clock.stop()
        self.clock = None

    @invariant()
    def what_is_counted_is_what_may_have_left(self):
        assert Message.objects.filter(counted=True).count() == len(self.model.sent)
        in_a_day = [when for when, _ in self.model.sent if when > self.now - 86_400 + SLACK]
        assert len(in_a_day) <= MESSAGES_A_DAY

    @invariant()
    def every_verification_is_as_far_as_the_model_says(self):
        rows = Verification.objects.in_bulk()
        for named, code in self.model.codes.items():
            assert (rows[named].attempts, bool(rows[named].verified_at)) == (code.attempts, code.is_verified)

    @precondition(lambda self: self.model.codes)
    @invariant()
    def a_page_is_told_so(self):
        named, code = list(self.model.codes.items())[-1]
        states = {"exhausted": "exhausted", "expired": "verified" if code.is_verified else "expired", None: "pending"}

        assert get_status(named).state in {states[end] for end in self.either(lambda now: self.model.end(code, now))}

    @invariant()
    def every_message_has_an_end(self):
        assert not Message.objects.filter(state__in=[State.QUEUED, State.SENDING]).exists()


def test_the_app_does_what_the_model_says(configure, figure):
    Life.configure = staticmethod(configure)

    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=STEPS_OF_ONE, suppress_health_check=list(HealthCheck)
        ),
    )

    figure("guesses of a life that were answered as the model says", f"all of {Life.guesses}")
