"""Idempotency-Key: what is repeated because its answer was lost does nothing twice, and is answered the same."""

import base64
import hashlib
import itertools
import json
from contextlib import contextmanager

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, connections, transaction
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from hypothesis import HealthCheck, given
from hypothesis import settings as pace
from hypothesis import strategies as st
from rest_framework.request import Request

from django_ihuyi import proofs, signals
from django_ihuyi.api import idempotency
from django_ihuyi.api.fingerprints import find_fingerprints
from django_ihuyi.backends.locmem import LocmemBackend
from django_ihuyi.database.transactions import StaleRow
from django_ihuyi.models import Message, Verification
from django_ihuyi.models.idempotency_keys import IdempotencyKey
from tests.api.conftest import NOBODYS_ID, Caller
from tests.support.comparisons import count_comparisons
from tests.support.time_travel import let_pass

pytestmark = pytest.mark.django_db

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
KEYED = {"HTTP_IDEMPOTENCY_KEY": KEY}
LOCMEM = "django_ihuyi.backends.locmem.LocmemBackend"


class Killed(BaseException):
    """The end of a worker, as far as one can come back from it."""


class NestedBackend(LocmemBackend):
    """While the platform is called, the client loses its patience and repeats the request."""

    answers = []

    def submit(self, phone, text):
        self.answers.append(Caller().send(**KEYED))
        return super().submit(phone, text)


class DeadlyBackend(LocmemBackend):
    """The worker is killed while it calls the platform."""

    def submit(self, phone, text):
        raise Killed


class BrokenBackend(LocmemBackend):
    """A host's own backend, with a bug."""

    def submit(self, phone, text):
        raise RuntimeError("a bug")


def channel(backend=LOCMEM, **options):
    return {
        "CHANNELS": {"sms": {"BACKEND": backend if "." in backend else f"{__name__}.{backend}", "OPTIONS": options}}
    }


def other_than(code):
    return f"{(int(code) + 1) % 1_000_000:06d}"


def codes(answers):
    return [answer.json().get("code", answer.status_code) for answer in answers]


@contextmanager
def dying_at(signal):
    """Kill the worker when the signal goes out: after the commit, before the answer."""

    def die(sender, **arguments):
        raise Killed

    signal.connect(die)
    try:
        yield
    finally:
        signal.disconnect(die)


# Sending


def test_a_repeated_send_gets_the_same_answer_and_sends_nothing(api, sent):
    answers = [api.send(**KEYED) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [202] * 3
    assert len({answer.content for answer in answers}) == 1
    assert (len(sent), Verification.objects.count()) == (1, 1)


def test_a_request_is_the_same_however_it_is_written(api, sent):
    first = api.send("138 0013 8000", **KEYED)

    again = api.send("+86-13800138000", members={"channel": "sms", "verification_id": None, "x": 1}, **KEYED)

    assert (again.status_code, again.content, len(sent)) == (202, first.content, 1)


OTHERS = [{"phone": "13900139000"}, {"purpose": "register"}, {"verification_id": NOBODYS_ID}]


@pytest.mark.parametrize("other", OTHERS)
def test_a_key_is_good_for_one_request_only(api, sent, other):
    api.send(**KEYED)

    refused = api.send(members=other, **KEYED)

    assert refused.json() == {
        "type": "about:blank",
        "title": "Unprocessable content",
        "status": 422,
        "detail": "This key belongs to a request that said something else. Take a new one.",
        "code": "idempotency_mismatch",
    }
    assert len(sent) == 1


def test_fingerprints_are_compared_in_constant_time(api, sent):
    """Its fingerprint is made with a key: == would tell by its time how much of another one is the same."""
    api.send(**KEYED)

    comparisons = [count_comparisons(lambda members=members: api.send(members=members, **KEYED)) for members in OTHERS]

    assert comparisons == [1] * len(OTHERS)


def test_a_repetition_during_the_first_request_is_a_conflict(api, sent, ihuyi):
    NestedBackend.answers.clear()
    ihuyi(**channel("NestedBackend"))

    first = api.send(**KEYED)

    [meanwhile] = NestedBackend.answers
    assert (first.status_code, len(sent)) == (202, 1)
    assert meanwhile.json() == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": "The first request with this key is still being answered. Repeat it in a moment.",
        "code": "idempotency_in_progress",
        "retry_after": 1,
    }


def test_the_key_of_a_dead_worker_can_be_used_again_after_a_minute(api, sent, ihuyi):
    ihuyi(**channel("DeadlyBackend"))
    with pytest.raises(Killed):
        api.send(**KEYED)
    ihuyi(**channel())

    answers = [api.send(**KEYED)]
    let_pass(seconds=59)
    answers.append(api.send(**KEYED))
    let_pass(seconds=2)
    answers += [api.send(**KEYED), api.send(**KEYED)]

    assert codes(answers) == ["idempotency_in_progress", "idempotency_in_progress", 202, 202]
    assert (answers[2].content, len(sent)) == (answers[3].content, 1)


@pytest.mark.parametrize(
    "chosen",
    [channel(outcome="unsent"), channel(outcome="refused", result_code=4072)],
    ids=["unsent", "refused"],
)
def test_a_temporary_refusal_is_not_stored(api, sent, ihuyi, chosen):
    ihuyi(**chosen)
    refused = api.send(**KEYED)
    ihuyi(**channel())
    let_pass(seconds=61)

    assert codes([refused, api.send(**KEYED)]) == ["sending_unavailable", 202]
    assert len(sent) == 1


def test_a_request_that_came_too_soon_may_be_repeated_with_its_key(api, sent):
    api.send()
    refused = api.send(**KEYED)
    let_pass(seconds=61)

    assert codes([refused, api.send(**KEYED)]) == ["resend_too_soon", 202]


def test_a_request_with_wrong_fields_does_not_use_up_its_key(api):
    assert codes([api.send("1", **KEYED), api.send(**KEYED)]) == ["invalid", 202]


def test_an_unexpected_error_is_not_stored(api, ihuyi):
    ihuyi(**channel("BrokenBackend"))
    body = json.dumps({"phone": "13800138000", "purpose": "login"})
    crashed = api.client.post("/api/phone/send-code/", body, content_type="application/json", **KEYED)

    assert (crashed.status_code, IdempotencyKey.objects.count()) == (500, 0)


def test_a_number_that_the_platform_refuses_is_asked_for_once(api, ihuyi):
    ihuyi(**channel(outcome="refused", result_code=406))

    answers = [api.send(**KEYED) for _ in range(2)]

    assert codes(answers) == ["number_refused"] * 2
    assert (answers[0].content, Message.objects.count()) == (answers[1].content, 1)


def test_an_answer_is_kept_for_a_day(api, sent, ihuyi):
    ihuyi(**channel(outcome="unknown"))
    first = api.send(**KEYED)
    let_pass(hours=23, minutes=59)
    kept = api.send(**KEYED)
    let_pass(minutes=2)
    anew = api.send("13900139000", **KEYED)

    assert (kept.status_code, kept.content) == (202, first.content)
    assert (anew.status_code, IdempotencyKey.objects.count()) == (202, 1)


def test_a_double_click_without_a_key_sends_one_message(api, sent):
    """R-15"""
    first, second = api.send(), api.send()

    assert (first.status_code, codes([second]), len(sent)) == (202, ["resend_too_soon"], 1)
    assert int(second["Retry-After"]) == pytest.approx(60, abs=1)


# Guessing


def test_a_lost_proof_is_given_again(api, sent):
    """S-34"""
    issued = api.send().json()["verification_id"]

    answers = [api.verify(issued, sent[0].code, **KEYED)]
    let_pass(seconds=59)
    answers += [api.verify(issued, f" {sent[0].code} ", **KEYED) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert len({answer.content for answer in answers}) == 1
    assert proofs.redeem(answers[0].json()["proof"], purpose="login").phone == "+8613800138000"


def test_no_proof_is_given_again_after_a_minute(api, sent):
    issued = api.send().json()["verification_id"]
    api.verify(issued, sent[0].code, **KEYED)
    let_pass(seconds=61)

    late = api.verify(issued, sent[0].code, **KEYED)

    assert late.json() == api.verify(issued, sent[0].code).json()
    assert codes([late]) == ["code_expired"]


def test_no_proof_is_given_again_once_it_was_redeemed(api, sent):
    issued = api.send().json()["verification_id"]
    proof = api.verify(issued, sent[0].code, **KEYED).json()["proof"]
    proofs.redeem(proof, purpose="login")

    assert codes([api.verify(issued, sent[0].code, **KEYED)]) == ["code_expired"]


def test_a_proof_is_not_given_again_for_a_wrong_code_nor_with_another_key(api, sent):
    issued = api.send().json()["verification_id"]
    api.verify(issued, sent[0].code, **KEYED)

    wrong = api.verify(issued, other_than(sent[0].code), **KEYED)
    unknown = api.verify(issued, sent[0].code, HTTP_IDEMPOTENCY_KEY="another")

    assert codes([wrong, unknown]) == ["idempotency_mismatch", "code_expired"]


def test_a_wrong_guess_that_is_repeated_spends_one_attempt(api, sent):
    issued = api.send().json()["verification_id"]
    wrong = other_than(sent[0].code)

    answers = [api.verify(issued, wrong, **KEYED) for _ in range(9)]

    assert {answer.content for answer in answers} == {answers[0].content}
    assert (answers[0].json()["code"], answers[0].json()["attempts_left"]) == ("code_wrong", 4)
    assert Verification.objects.get().attempts == 1


def test_another_guess_with_the_same_key_is_not_looked_at(api, sent):
    issued = api.send().json()["verification_id"]
    api.verify(issued, other_than(sent[0].code), **KEYED)

    assert codes([api.verify(issued, sent[0].code, **KEYED)]) == ["idempotency_mismatch"]
    assert Verification.objects.get().attempts == 1


def test_a_refusal_is_repeated_in_the_language_of_the_repetition(api, sent):
    issued = api.send().json()["verification_id"]
    wrong = other_than(sent[0].code)

    english, chinese = (
        api.verify(issued, wrong, HTTP_ACCEPT_LANGUAGE=language, **KEYED) for language in ("en", "zh-hans")
    )

    assert english.json()["detail"] == "The code is wrong. Check it and try again."
    with translation.override("zh-hans"):
        said = translation.gettext("The code is wrong. Check it and try again.")
    assert chinese.json() == {**english.json(), "title": chinese.json()["title"], "detail": said}


@pytest.mark.parametrize(("is_right", "signal"), [(True, "code_verified"), (False, "code_refused")])
def test_a_guess_is_judged_once_although_its_worker_died_before_it_could_answer(api, sent, is_right, signal):
    """C16"""
    issued = api.send().json()["verification_id"]
    code = sent[0].code if is_right else other_than(sent[0].code)
    with dying_at(getattr(signals, signal)), pytest.raises(Killed):
        api.verify(issued, code, **KEYED)

    answers = [api.verify(issued, code, **KEYED) for _ in range(2)]

    assert answers[0].json() == answers[1].json()
    assert ("proof" in answers[0].json(), answers[0].json().get("attempts_left")) == (
        (True, None) if is_right else (False, 4)
    )
    assert Verification.objects.get().attempts == 1


@pytest.mark.parametrize("is_right", [True, False])
def test_the_answer_to_a_guess_that_was_rolled_back_and_judged_again_is_kept(api, sent, monkeypatch, is_right):
    """As when the commit itself meets a conflict."""
    issued = api.send().json()["verification_id"]
    code = sent[0].code if is_right else other_than(sent[0].code)
    races_lost = [StaleRow]
    record = idempotency._Claim.record

    def lose_the_first_time(claim, verdict):
        record(claim, verdict)
        if races_lost:
            raise races_lost.pop()

    monkeypatch.setattr(idempotency._Claim, "record", lose_the_first_time)

    answers = [api.verify(issued, code, **KEYED) for _ in range(2)]

    assert races_lost == []
    assert answers[0].json() == answers[1].json()
    assert Verification.objects.get().attempts == 1


def test_a_guess_whose_lease_ran_out_is_given_back(api, sent):
    """Somebody else has taken over the key in the middle of it: theirs is the guess that counts."""
    issued = api.send().json()["verification_id"]
    wrong = other_than(sent[0].code)
    answers = []

    def oversleep(execute, sql, *arguments):
        if "FROM ihuyi_verification" in sql and not answers:
            answers.append(None)
            let_pass(seconds=61)
            answers[0] = api.verify(issued, wrong, **KEYED)
        return execute(sql, *arguments)

    with connection.execute_wrapper(oversleep):
        late = api.verify(issued, wrong, **KEYED)

    assert codes([*answers, late]) == ["code_wrong", "idempotency_in_progress"]
    assert Verification.objects.get().attempts == 1


def test_an_unknown_id_stores_no_answer(api):
    answers = [api.verify(NOBODYS_ID, "123456", **KEYED) for _ in range(2)]

    assert (codes(answers), IdempotencyKey.objects.count()) == (["code_expired"] * 2, 0)


@pytest.mark.django_db(transaction=True)
def test_answers_are_kept_under_atomic_requests(api, sent, monkeypatch):
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    issued = api.send(HTTP_IDEMPOTENCY_KEY="send").json()["verification_id"]
    wrong = [api.verify(issued, other_than(sent[0].code), HTTP_IDEMPOTENCY_KEY="wrong") for _ in range(2)]
    right = [api.verify(issued, sent[0].code, HTTP_IDEMPOTENCY_KEY="right") for _ in range(2)]

    assert [answer.json().get("attempts_left") for answer in wrong] == [4, 4]
    assert (right[0].status_code, right[0].content) == (200, right[1].content)


# Whose key it is


def anonymous(**defaults):
    return lambda: Caller(**defaults)


def with_session():
    caller, session = Caller(), SessionStore()
    session["cart"] = "full"
    session.create()
    caller.client.cookies["sessionid"] = session.session_key
    return caller


def logged_in(name):
    caller = Caller()
    caller.client.force_login(get_user_model().objects.get_or_create(username=name)[0])
    return caller


STRANGERS = {
    "addresses": (anonymous(REMOTE_ADDR="203.0.113.7"), anonymous(REMOTE_ADDR="203.0.113.8")),
    "networks": (anonymous(REMOTE_ADDR="2001:db8:1:1::1"), anonymous(REMOTE_ADDR="2001:db8:1:2::1")),
    "sessions": (with_session, with_session),
    "users": (lambda: logged_in("li"), lambda: logged_in("wang")),
    "with a session and without": (with_session, anonymous()),
    "known and unknown": (lambda: logged_in("li"), with_session),
}


@pytest.mark.parametrize(("mine", "theirs"), STRANGERS.values(), ids=STRANGERS)
def test_a_stranger_with_my_key_learns_nothing_of_my_request(sent, mine, theirs):
    me, stranger = mine(), theirs()
    my_answer = me.send(**KEYED)
    my_id = my_answer.json()["verification_id"]

    soon = stranger.send(**KEYED)
    let_pass(seconds=61)
    later = stranger.send(**KEYED)
    judged = me.verify(my_id, sent[0].code, **KEYED), stranger.verify(my_id, sent[0].code, **KEYED)

    assert codes([soon, later]) == ["resend_too_soon", 202]
    assert later.json()["verification_id"] != my_id
    assert me.send(**KEYED).content == my_answer.content
    assert codes(judged) == [200, "code_expired"]


SELVES = {
    "a user, anywhere": lambda: (logged_in("li"), logged_in("li")),
    "a session, anywhere": lambda: (caller := with_session(), caller),
    "a subscriber's addresses": lambda: (Caller(REMOTE_ADDR="2001:db8::1"), Caller(REMOTE_ADDR="2001:db8::2")),
}


@pytest.mark.parametrize("callers", SELVES.values(), ids=SELVES)
def test_a_caller_is_known_again(sent, callers):
    first, again = callers()
    moved = {} if "REMOTE_ADDR" in first.client.defaults else {"REMOTE_ADDR": "203.0.113.9"}

    assert first.send(**KEYED).content == again.send(**moved, **KEYED).content


def test_a_server_that_knows_no_address_shares_no_key(rf):
    request = Request(rf.post("/api/phone/send-code/", REMOTE_ADDR=""))

    with pytest.raises(ImproperlyConfigured, match="TRUSTED_PROXY_COUNT"):
        find_fingerprints(request, KEY, {})


# The header


@pytest.mark.usefixtures("sent")
@pace(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=255))
def test_every_key_of_visible_ascii_is_taken(api, key):
    let_pass(days=2)
    IdempotencyKey.objects.all().delete()

    answers = [api.send(HTTP_IDEMPOTENCY_KEY=key) for _ in range(2)]

    assert (answers[0].status_code, answers[0].content) == (202, answers[1].content)


BAD_KEYS = st.one_of(
    st.just(""),
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=256, max_size=300),
    st.tuples(
        st.text(max_size=100),
        st.characters(max_codepoint=0x20) | st.characters(min_codepoint=0x7F),
        st.text(max_size=100),
    ).map("".join),
)


@pace(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=BAD_KEYS)
def test_any_other_key_is_refused_by_name(api, key):
    for refused in (
        api.send(HTTP_IDEMPOTENCY_KEY=key),
        api.verify(NOBODYS_ID, "123456", HTTP_IDEMPOTENCY_KEY=key),
    ):
        assert (refused.status_code, refused.json()["errors"]) == (
            400,
            [{"field": "Idempotency-Key", "code": "invalid", "detail": "Use 1 to 255 visible ASCII characters."}],
        )
    assert IdempotencyKey.objects.count() == 0


def test_a_cross_site_request_with_a_key_gets_no_cors_headers(api):
    answer = api.send(HTTP_ORIGIN="https://evil.example", **KEYED)

    assert [name for name in answer.headers if name.startswith("Access-Control")] == []


def test_a_request_without_a_key_needs_no_extra_statement(api, sent):
    with CaptureQueriesContext(connection) as queries:
        issued = api.send().json()["verification_id"]
        api.verify(issued, sent[0].code)

    assert [query["sql"] for query in queries if "idempotencykey" in query["sql"]] == []


def test_a_key_costs_three_statements(api, sent):
    def count(ask):
        with CaptureQueriesContext(connection) as queries:
            ask()
        return sum("SAVEPOINT" not in query["sql"] for query in queries)

    api.send()
    let_pass(minutes=2)
    plain = count(api.send)
    let_pass(minutes=2)
    keyed = count(lambda: api.send(HTTP_IDEMPOTENCY_KEY=find_key(tidies=False)))

    assert keyed - plain == 3


# What is stored


def test_nothing_of_number_code_key_or_proof_is_stored(api, sent):
    issued = api.send(**KEYED).json()["verification_id"]
    wrong = other_than(sent[0].code)
    api.verify(issued, wrong, HTTP_IDEMPOTENCY_KEY="wrong")
    proof = api.verify(issued, sent[0].code, **KEYED).json()["proof"]
    guessed = [sent[0].code, wrong]
    bodies = [json.dumps({"code": code, "verification_id": issued}) for code in guessed]
    secrets = ["+8613800138000", "13800138000", "138****8000", KEY, proof, *bodies]

    values = {str(value) for row in IdempotencyKey.objects.values_list() for value in row}

    stored = "\n".join(values)
    assert IdempotencyKey.objects.count() == 3
    assert [secret for secret in secrets if secret in stored] == []
    assert [secret for secret in secrets + guessed for form in disguises(secret) if form in stored] == []
    # Anywhere else their six digits may stand by chance: in a digest, in a date.
    assert values.isdisjoint(guessed)


def disguises(secret):
    raw = secret.encode()
    return [base64.b64encode(raw).decode(), raw.hex(), hashlib.md5(raw).hexdigest(), hashlib.sha256(raw).hexdigest()]


def test_the_same_request_with_another_key_leaves_another_fingerprint(api, sent):
    """Whoever has the database and SECRET_KEY, but not the key of the request, cannot try all codes out."""
    issued = api.send().json()["verification_id"]
    for key in ("one", "two"):
        api.verify(issued, other_than(sent[0].code), HTTP_IDEMPOTENCY_KEY=key)

    assert len({*IdempotencyKey.objects.values_list("fingerprint", flat=True)}) == 2


def test_a_kept_answer_outlives_the_move_of_its_secret_to_the_fallbacks(api, sent, settings):
    first = api.send(**KEYED)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = (
        [settings.SECRET_KEY],
        "the-new-one-0123456789-abcdefghijklmnopq",
    )

    again, other = api.send(**KEYED), api.send("13900139000", **KEYED)

    assert (again.content, codes([other])) == (first.content, ["idempotency_mismatch"])


def test_a_name_of_the_old_secret_is_taken_over_when_its_time_is_over(api, sent, settings):
    api.send(**KEYED)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = (
        [settings.SECRET_KEY],
        "the-new-one-0123456789-abcdefghijklmnopq",
    )
    let_pass(days=2)

    answers = [api.send(**KEYED) for _ in range(2)]

    assert (answers[0].status_code, answers[0].content) == (202, answers[1].content)
    assert (len(sent), IdempotencyKey.objects.count()) == (2, 1)


def test_only_expired_rows_are_purged_in_batches():
    rows = [keep(f"{number:064}") for number in range(7)]
    let_pass(hours=25)
    alive = [keep("alive"), in_flight("in flight")]

    counts = [IdempotencyKey.objects.purge_expired(batch=3) for _ in range(4)]

    assert (len(rows), counts) == (7, [3, 3, 1, 0])
    assert [*IdempotencyKey.objects.order_by("id")] == alive


def test_a_name_that_was_taken_over_meanwhile_is_not_purged():
    keyed = keep("over")
    let_pass(hours=25)

    def take_over(execute, sql, *arguments):
        if sql.startswith("DELETE"):
            IdempotencyKey.objects.take_over(keyed, fingerprint="")
        return execute(sql, *arguments)

    with connection.execute_wrapper(take_over):
        deleted = IdempotencyKey.objects.purge_expired()

    assert (deleted, IdempotencyKey.objects.count()) == (0, 1)


def test_one_of_several_requests_takes_over_an_expired_row():
    keep("over")
    let_pass(hours=25)
    first, second = (IdempotencyKey.objects.find(["over"]) for _ in range(2))
    IdempotencyKey.objects.take_over(first, fingerprint="")

    with pytest.raises(StaleRow):
        IdempotencyKey.objects.take_over(second, fingerprint="")


def test_a_stale_row_is_not_taken_over_when_it_has_expired_again():
    keep("over")
    let_pass(hours=25)
    first, second = (IdempotencyKey.objects.find(["over"]) for _ in range(2))
    IdempotencyKey.objects.take_over(first, fingerprint="")
    let_pass(minutes=2)

    with pytest.raises(StaleRow):
        IdempotencyKey.objects.take_over(second, fingerprint="")


def test_a_name_whose_late_answer_was_kept_since_it_was_read_is_not_taken_over():
    slow = in_flight("slow")
    let_pass(minutes=2)
    found = IdempotencyKey.objects.find(["slow"])
    IdempotencyKey.objects.finish(slow, status=202, answer="late")

    with pytest.raises(StaleRow):
        IdempotencyKey.objects.take_over(found, fingerprint="")
    assert IdempotencyKey.objects.get().answer == "late"


def test_an_overtaken_request_neither_stores_nor_releases():
    slow = in_flight("slow")
    let_pass(minutes=2)
    IdempotencyKey.objects.take_over(IdempotencyKey.objects.find(["slow"]), fingerprint="")

    is_kept = IdempotencyKey.objects.finish(slow, status=202, answer="late")
    IdempotencyKey.objects.release(slow)

    stored = IdempotencyKey.objects.get()
    assert (is_kept, stored.status, stored.answer) == (False, None, "")


def test_an_answer_that_is_kept_is_neither_replaced_nor_released():
    keyed = in_flight("once")
    IdempotencyKey.objects.finish(keyed, status=202, answer="first")

    is_replaced = IdempotencyKey.objects.finish(keyed, status=422, answer="second")
    IdempotencyKey.objects.release(keyed)

    stored = IdempotencyKey.objects.get()
    assert (is_replaced, stored.status, stored.answer) == (False, 202, "first")


def test_one_of_several_requests_inserts_a_new_name():
    in_flight("new")

    with pytest.raises(StaleRow), transaction.atomic():
        in_flight("new")


def test_one_request_in_sixteen_purges_expired_rows(api, sent):
    for number in range(3):
        keep(f"{number:064}")
    let_pass(hours=25)

    api.send(HTTP_IDEMPOTENCY_KEY=find_key(tidies=False))
    before = IdempotencyKey.objects.count()
    let_pass(minutes=2)
    api.send(HTTP_IDEMPOTENCY_KEY=find_key(tidies=True))

    assert (before, IdempotencyKey.objects.count()) == (4, 2)


def in_flight(name):
    return IdempotencyKey.objects.open(name, fingerprint="")


def keep(name):
    keyed = in_flight(name)
    IdempotencyKey.objects.finish(keyed, status=202, answer="{}")
    return keyed


def find_key(*, tidies):
    """Return a key of 127.0.0.1 whose request, when it sends, also tidies up, or does not."""
    request = Request(RequestFactory().post("/api/phone/send-code/"))
    names = ((key, *find_fingerprints(request, key, {})) for key in map(str, itertools.count()))
    return next(key for key, name in names if name.startswith("0") == tidies)
