"""The captcha guard: who must solve one, and that each is good for one try, for one purpose and one client."""

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.db import connection, transaction
from django.db.models import F
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from django_ihuyi.exceptions import CaptchaFailed, CaptchaRequired, LimitReached, SendingUnavailable
from django_ihuyi.guards import Guard, captcha
from django_ihuyi.guards.captchas import get_captcha
from django_ihuyi.models import Message
from django_ihuyi.models.captchas import SpentCaptcha
from django_ihuyi.retention.purging import purge
from tests.support.riddle_captcha import GUARD, riddles, solve
from tests.support.time_travel import let_pass
from tests.support.use_cases import PHONE, failing, send

pytestmark = pytest.mark.django_db

CLIENT = "192.0.2.7"
OTHERS = [f"+86139{number:08}" for number in range(20)]


class AskingGuard(Guard):
    """A guard that wants a captcha for every send, as a budget does that is used up."""

    def check(self, wanted, *, using):
        return replace(wanted, captcha_reason="too many sends")


ASKING = "tests.guards.test_captcha.AskingGuard"


@pytest.fixture
def asked(configure, outbox):
    """Ask as somebody at CLIENT; return the challenge that is answered, None if a message left."""

    def ask(phone=PHONE, purpose="login", client=CLIENT, **rest):
        try:
            send(phone, purpose, client=client, **rest)
        except (CaptchaRequired, CaptchaFailed) as refusal:
            return refusal.challenge
        return None

    configure(**riddles())
    return ask


def test_without_an_answer_nothing_is_sent_and_a_captcha_is_shown(asked, outbox):
    challenge = asked()

    assert outbox == []
    assert Message.objects.count() == 0
    assert challenge == {
        "kind": "riddle",
        "challenge_id": challenge["challenge_id"],
        "expires_in": 300,
        "word": "drow",
        "for": f"login {CLIENT}",
    }


def test_a_right_answer_lets_one_message_out(asked, outbox):
    challenge = asked()

    assert asked(captcha=solve(challenge)) is None
    assert len(outbox) == 1


def test_an_answer_is_good_once(asked, outbox):
    answer = solve(asked())
    asked(captcha=answer)

    for phone in OTHERS:
        with pytest.raises(CaptchaFailed):
            send(phone, client=CLIENT, captcha=answer)

    assert len(outbox) == 1


def test_a_wrong_answer_uses_its_captcha_up(asked, outbox):
    challenge = asked()
    asked(captcha=solve(challenge, "wrong"))

    another = asked(captcha=solve(challenge))

    assert outbox == []
    assert another["challenge_id"] != challenge["challenge_id"]
    assert asked(captcha=solve(another)) is None


def test_an_answer_is_spent_although_a_limit_refuses_the_send(asked, outbox):
    asked(captcha=solve(asked()))
    answer = solve(asked())

    with pytest.raises(LimitReached, match="resend_too_soon"):
        send(client=CLIENT, captcha=answer)
    with pytest.raises(CaptchaFailed):
        send(OTHERS[0], client=CLIENT, captcha=answer)


def test_an_answer_is_spent_although_the_message_did_not_leave(asked, configure):
    challenge = asked()
    configure(CHANNELS=failing(outcome="unsent"))

    with pytest.raises(SendingUnavailable):
        send(client=CLIENT, captcha=solve(challenge))
    with pytest.raises(CaptchaFailed):
        send(client=CLIENT, captcha=solve(challenge))


@pytest.mark.parametrize(
    "elsewhere",
    [{"purpose": "register"}, {"client": "192.0.2.8"}, {"client": ""}],
    ids=["purpose", "client", "no client"],
)
def test_a_captcha_is_good_for_its_own_purpose_and_client_only(asked, outbox, elsewhere):
    challenge = asked()

    assert asked(captcha=solve(challenge), **elsewhere)
    assert outbox == []
    assert SpentCaptcha.objects.count() == 0
    assert asked(captcha=solve(challenge)) is None


@pytest.mark.parametrize("seconds", [-1, 301, 86_400])
def test_a_captcha_is_good_for_five_minutes(asked, outbox, seconds):
    with time_machine.travel(0, tick=False) as clock:
        challenge = asked()
        clock.shift(seconds)
        late = asked(captcha=solve(challenge))

    assert (late is None) == (seconds < 300)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda ticket: "",
        lambda ticket: ticket[:-1] + ("0" if ticket[-1] != "0" else "1"),
        lambda ticket: "9" + ticket,
        lambda ticket: ticket.replace(".", ".0", 1),
        lambda ticket: ticket.upper(),
        lambda ticket: ticket + "\n",
        lambda ticket: ticket + ticket,
        lambda ticket: "..",
    ],
)
def test_a_forged_ticket_is_refused(asked, outbox, spoil):
    challenge = asked()

    assert asked(captcha={**solve(challenge), "challenge_id": spoil(challenge["challenge_id"])})
    assert outbox == []
    assert get_captcha().judged == []


@pytest.mark.parametrize("captcha", [{}, {"challenge_id": 5}, {"challenge_id": None, "word": []}])
def test_an_answer_without_a_ticket_is_wrong(asked, captcha):
    assert asked(captcha=captcha)


def test_a_ticket_outlives_the_move_of_its_key_to_the_fallbacks(asked, settings, outbox):
    challenge = asked()
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another-key-of-the-tests-0123456789-abcdefghijklmnop"

    assert asked(captcha=solve(challenge))
    settings.SECRET_KEY_FALLBACKS = [old]
    assert asked(captcha=solve(challenge)) is None


def test_the_captcha_sees_the_texts_of_the_answer_and_its_own_name_of_the_challenge(asked):
    challenge = asked()

    asked(captcha=solve(challenge, number=5))

    assert get_captcha().judged == [({"word": "word"}, challenge["challenge_id"].split(".")[1], CLIENT)]


def test_a_solution_is_good_once_for_however_many_challenges(asked, configure, outbox):
    configure(**riddles(options={"has_solution_ids": True}))

    for phone in OTHERS[:5]:
        asked(phone, captcha=solve(asked(), solution="the same"))

    assert len(outbox) == 1


@pytest.mark.parametrize("is_down", ["judging", "showing"])
def test_a_captcha_that_is_down_refuses_and_says_why_in_the_log(asked, configure, outbox, caplog, is_down):
    challenge = asked()
    configure(**riddles(options={"is_down": is_down}))

    with pytest.raises(SendingUnavailable) as refusal:
        send(client=CLIENT, captcha=solve(challenge) if is_down == "judging" else None)

    assert refusal.value.retry_after == 5
    assert outbox == []
    reason = {"judging": "the sphinx sleeps", "showing": "no riddles left"}[is_down]
    assert caplog.messages == [f"the captcha 'riddle' is down, so nothing is sent: {reason}"]


@pytest.mark.parametrize("is_slow", ["judging", "showing"])
def test_a_captcha_that_takes_longer_than_its_deadline_is_down(asked, configure, outbox, caplog, monkeypatch, is_slow):
    answer = solve(asked()) if is_slow == "judging" else None
    monkeypatch.setattr(captcha, "DEADLINE", 0.05)
    configure(**riddles(options={"delay": 0.2}))

    with pytest.raises(SendingUnavailable):
        send(client=CLIENT, captcha=answer)

    assert outbox == []
    assert caplog.messages == ["the captcha 'riddle' is down, so nothing is sent: it took longer than 0.05 seconds"]


# Rules


@pytest.mark.parametrize(
    ("rules", "purpose", "is_asked"),
    [
        (None, "login", True),
        ({}, "login", True),
        ({"register": "never"}, "login", True),  # who is not named must solve one
        ({"*": "never"}, "login", False),
        ({"*": "never", "login": "always"}, "login", True),
        ({"login": "always"}, "register", True),
        ({"login": "asked"}, "login", False),
        ({"login": {"after_client": 1}}, "login", False),
    ],
)
def test_the_rule_of_a_purpose_decides(asked, configure, rules, purpose, is_asked):
    configure(**riddles(rules))

    assert bool(asked(purpose=purpose)) == is_asked


def test_a_guard_before_it_can_ask_for_a_captcha_where_no_rule_does(asked, configure, outbox):
    configure(**riddles({"*": "asked"}, guards=[ASKING, GUARD]))

    challenge = asked()
    assert challenge
    assert asked(captcha=solve(challenge)) is None
    assert len(outbox) == 1


@pytest.mark.parametrize("rule", ["asked", {"after_number": 3}])
def test_where_the_answer_was_wrong_the_guard_that_asked_is_not_satisfied(asked, configure, outbox, rule):
    configure(**riddles({"*": rule}, guards=[ASKING, GUARD]))

    assert asked(captcha=solve(asked(), "wrong"))
    assert outbox == []


def test_a_purpose_without_captchas_is_refused_where_a_guard_asks_for_one(asked, configure, outbox):
    configure(**riddles({"*": "never"}, guards=[ASKING, GUARD]))

    with pytest.raises(LimitReached, match="global_limit"):
        asked()


def test_an_answer_is_ignored_when_no_captcha_is_due(asked, configure):
    configure(**riddles({"*": "asked"}))

    assert asked(captcha={"challenge_id": "nonsense"}) is None
    assert SpentCaptcha.objects.count() == 0


def test_after_so_many_codes_of_a_client_it_must_solve_one_each_time(asked, configure, outbox):
    configure(**riddles({"*": {"after_client": 3}}))

    for phone in OTHERS[:3]:
        assert asked(phone) is None
    for phone in OTHERS[3:6]:
        challenge = asked(phone)
        assert challenge
        assert asked(phone, captcha=solve(challenge)) is None

    assert asked(OTHERS[6], client="192.0.2.8") is None
    assert len(outbox) == 7


def test_a_captcha_is_wanted_after_several_codes_to_one_number(asked, configure):
    configure(**riddles({"*": {"after_number": 2}}), RESEND_INTERVAL=1)

    free = 0
    while asked(client=f"192.0.2.{free}") is None:
        free += 1
        let_pass(seconds=2)

    assert free == 2
    assert asked(OTHERS[0]) is None


def test_codes_of_more_than_a_day_ago_are_forgotten(asked, configure):
    configure(**riddles({"*": {"after_client": 1, "after_number": 1}}))
    asked()
    assert asked()

    let_pass(hours=24)

    assert asked() is None


def test_a_notice_is_not_counted_as_a_code(asked, configure):
    configure(**riddles({"*": {"after_number": 1}}))
    asked(OTHERS[0])
    Message.objects.update(kind="notice")
    let_pass(minutes=2)

    assert asked(OTHERS[0]) is None


@pytest.mark.parametrize(
    ("rules", "statements"),
    [({"*": "asked"}, 0), ({"*": {"after_client": 9}}, 1), ({"*": {"after_client": 9, "after_number": 9}}, 2)],
)
def test_a_send_costs_one_more_statement_for_each_count(asked, configure, rules, statements):
    def count(settings):
        configure(**settings)
        with CaptureQueriesContext(connection) as queries:
            assert asked() is None
        let_pass(minutes=2)
        return len(queries)

    asked(captcha=solve(asked()))
    let_pass(minutes=2)

    assert count(riddles(rules)) - count({"GUARDS": [], "CAPTCHA": {}}) == statements


# The database


@pytest.mark.parametrize("has_answer", [False, True], ids=["asking", "answering"])
@pytest.mark.parametrize("rule", ["always", "asked", {"after_number": 3}])
def test_inside_a_transaction_of_the_caller_no_captcha_is_shown_or_judged(asked, configure, rule, has_answer):
    """Its rollback would give the try back, and forget the picture that was shown."""
    answer = solve(asked()) if has_answer else None
    configure(**riddles({"*": rule}))

    with pytest.raises(TransactionManagementError, match="ATOMIC_REQUESTS"), transaction.atomic():
        asked(captcha=answer)
    assert SpentCaptcha.objects.count() == Message.objects.count() == 0


def test_inside_a_transaction_of_the_caller_a_purpose_that_wants_no_captcha_is_sent_to(asked, configure):
    configure(**riddles({"*": "never"}))

    with transaction.atomic():
        assert asked() is None
    assert Message.objects.count() == 1


def test_a_spent_captcha_is_purged_after_a_day():
    assert SpentCaptcha.objects.spend("a" * 64)
    assert SpentCaptcha.objects.spend("b" * 64)
    assert not SpentCaptcha.objects.spend("a" * 64)
    SpentCaptcha.objects.filter(key="a" * 64).update(expires_at=F("expires_at") - timedelta(days=1))

    assert [batch.rows for batch in purge()] == [1]
    assert [spent.key for spent in SpentCaptcha.objects.all()] == ["b" * 64]


def test_a_spent_captcha_is_stored_for_longer_than_a_ticket_is_valid(asked):
    with time_machine.travel(0, tick=False):
        answer = solve(asked())
        asked(captcha=answer)
        SpentCaptcha.objects.update(expires_at=F("expires_at") - timedelta(hours=23))
        list(purge())

        assert asked(OTHERS[0], captcha=answer)


def test_a_spent_captcha_has_no_data_about_the_requester(asked):
    asked(captcha=solve(asked()))
    [spent] = SpentCaptcha.objects.all()

    assert len(spent.key) == 64
    assert str(spent) == spent.key[:8]
