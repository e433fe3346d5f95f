"""Device marks: made with a right code, good for its phone only, and for no longer than they should."""

import base64
from datetime import datetime, timedelta, timezone

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone as django_timezone
from hypothesis import given
from hypothesis import strategies as st

from django_ihuyi import phones, proofs
from django_ihuyi.exceptions import LimitReached
from django_ihuyi.guards import Guard
from django_ihuyi.models import Message, Recipient, Verification
from django_ihuyi.retention import purge
from django_ihuyi.retention.subjects import export, forget
from django_ihuyi.verification import VerdictOutcome, marks
from django_ihuyi.verification.verifying import repeat_right
from tests.support.time_travel import let_pass
from tests.support.use_cases import PHONE, guess_right, guess_wrong, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("outbox")]

OTHER = "+8613900139000"
NOW = datetime(2026, 12, 31, 16, 0, 0, 123456, tzinfo=timezone.utc)
SECOND = timedelta(seconds=1)
NEW_KEY = "a-new-secret-key-of-more-than-32-bytes"


def make(phone=PHONE, issued_at=NOW, verification_id="0123456789abcdef" * 2):
    """Return a mark without any row."""
    recipient = Recipient(phone=phone)
    return marks.make(Verification(id=verification_id, recipient=recipient), issued_at=issued_at)


def counts(device, *rows, phone=PHONE, now=NOW):
    return any(mark.counts(rows or [Recipient()], now) for mark in marks.read_of(phone, device))


def get_mark(phone=PHONE):
    """Verify the phone; return the mark."""
    device = guess_right(send(phone)).device
    forget_messages()
    return device


def forget_messages():
    """Let the limits of messages count anew. A moved clock would not move the time in a mark, which is signed."""
    Message.objects.all().delete()


def lock_out(*, marked=0, unmarked=10):
    """Record failures in a row, the last of them now."""
    now = django_timezone.now().timestamp()
    for recipient in Recipient.objects.all():
        recipient.guesses, recipient.marks["guesses"] = (
            {"login": {"failed_at": [now] * min(count, 24), "in_a_row": count}} for count in (unmarked, marked)
        )
        recipient.save()


def is_heeded(device, phone=PHONE):
    """Ask for a code while strangers are locked out; return whether the mark let the request pass them."""
    forget_messages()
    lock_out()
    try:
        send(phone, device=device)
    except LimitReached as error:
        return {"guess_limit": False}[error.code]
    return True


# What a mark is


def test_a_mark_is_88_characters_and_says_when_and_for_which_phone_it_was_made():
    [mark] = marks.read_of(PHONE, make())

    assert (len(make()), make()) == (88, mark.text)
    assert (mark.issued_at, mark.fingerprint) == (NOW, phones.fingerprint(PHONE))


def test_the_same_verification_gives_the_same_mark_and_another_one_another():
    same, other = make(), make(verification_id="0" * 32)

    assert same == make()
    assert marks.read(same)[0].id != marks.read(other)[0].id


def test_a_mark_shows_neither_the_phone_nor_the_verification():
    decoded = base64.urlsafe_b64decode(make())

    assert bytes.fromhex("0123456789abcdef" * 2)[:10] not in decoded
    assert PHONE[3:].encode() not in decoded
    assert make() not in repr(marks.read(make()))


@given(
    st.one_of(
        st.none(), st.integers(), st.binary(), st.text(), st.lists(st.text()), st.dictionaries(st.text(), st.text())
    )
)
def test_no_other_thing_is_a_mark_and_none_raises(device):
    assert marks.read(device) == []


@given(st.text(alphabet="ABCXYZabcxyz0189-_.", min_size=80, max_size=1000))
def test_no_text_of_the_same_alphabet_is_a_mark(device):
    assert marks.read(device) == []


def test_a_mark_with_any_bit_flipped_is_none():
    decoded = base64.urlsafe_b64decode(make())
    flipped = [
        bytes([*decoded[:place], decoded[place] ^ 1 << bit, *decoded[place + 1 :]])
        for place in range(len(decoded))
        for bit in range(8)
    ]

    assert len(flipped) == 66 * 8
    assert [marks.read(base64.urlsafe_b64encode(forged).decode()) for forged in flipped] == [[]] * len(flipped)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda mark: mark[:-1],
        lambda mark: mark + "A",
        lambda mark: mark + "=",
        lambda mark: mark + "\n",
        lambda mark: f" {mark}",
        lambda mark: mark.replace(mark[5], "é", 1),
        lambda mark: mark.swapcase(),
        lambda mark: mark.encode(),
        lambda mark: [mark],
        lambda mark: {"device": mark},
        lambda mark: f"{mark},{mark}",
        lambda mark: ".".join(["A" * 88] * 6 + [mark]),
    ],
    ids=[
        "cut",
        "longer",
        "padded",
        "line feed",
        "blank",
        "not ASCII",
        "case",
        "bytes",
        "list",
        "object",
        "comma",
        "seventh",
    ],
)
def test_a_mark_that_is_written_otherwise_is_none(spoil):
    assert not counts(spoil(make()))


@pytest.mark.parametrize(
    "join",
    [
        lambda mark: f"{make(OTHER)}.{mark}",
        lambda mark: f"{mark}.{make(OTHER)}",
        lambda mark: f"...{mark}.",
        lambda mark: f"nonsense.{mark}.\x00",
        lambda mark: ".".join(["A" * 88] * 5 + [mark]),
        lambda mark: ".".join(["A"] * 100 + [mark]),
    ],
)
def test_a_mark_is_found_among_others_and_among_nonsense(join):
    assert counts(join(make()))


def test_a_long_text_is_read_at_once():
    assert marks.read("A" * 1_000_000) == marks.read("." * 1_000_000) == marks.read("A." * 500_000) == []


def test_a_mark_counts_for_no_other_phone():
    assert not counts(make(OTHER))
    assert counts(make(OTHER), phone=OTHER)


def test_a_mark_outlives_the_move_of_its_key_to_the_fallbacks_and_ends_with_it(settings):
    mark, old_key = make(), settings.SECRET_KEY

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW_KEY, [old_key]
    moved = counts(mark), make() != mark
    settings.SECRET_KEY_FALLBACKS = []

    assert (moved, counts(mark)) == ((True, True), False)


@pytest.mark.parametrize(
    ("age", "is_valid"),
    [
        (timedelta(0), True),
        (marks.LIFETIME - SECOND, True),
        (marks.LIFETIME, False),
        (marks.LIFETIME + SECOND, False),
        # After a failover, the new server's clock may be behind by a little.
        (-SECOND, True),
        (-2 * SECOND, False),
    ],
    ids=["new", "90 days less a second", "90 days", "90 days and a second", "a second ahead", "two seconds ahead"],
)
def test_a_mark_counts_for_90_days(age, is_valid):
    assert counts(make(), now=NOW + age) is is_valid


@pytest.mark.parametrize(
    ("marks_from", "is_valid"), [(None, True), (NOW - SECOND, True), (NOW, True), (NOW + SECOND / 1_000_000, False)]
)
def test_a_mark_counts_if_it_is_not_older_than_its_row_allows(marks_from, is_valid):
    assert counts(make(), Recipient(marks_from=marks_from)) is is_valid


def test_all_rows_of_a_phone_must_allow_a_mark():
    mark_id = marks.read(make())[0].id
    failed = Recipient(marks={"failures": {mark_id: {"count": 10, "until": 0.0}}})

    assert not counts(make(), Recipient(), Recipient(marks_from=NOW + SECOND))
    assert not counts(make(), failed, Recipient())
    assert counts(make(), Recipient(), Recipient())


def test_failures_of_marks_that_have_ended_are_not_stored():
    current, ended = (
        marks.read(make(issued_at=NOW - timedelta(days=days), verification_id=f"{days:032}"))[0] for days in (89, 90)
    )
    failures = marks.add_failure(marks.add_failure({}, ended), current)

    stored = marks.to_column(guesses={}, failures=failures, now=NOW)

    assert stored == {"failures": {current.id: {"count": 1, "until": (NOW + timedelta(days=1)).timestamp()}}}


def test_a_row_keeps_the_failures_of_a_hundred_marks():
    failures = {str(number): {"count": 1, "until": NOW.timestamp() + number} for number in range(1, 202)}

    stored = marks.to_column(guesses={}, failures=failures, now=NOW)

    assert list(map(int, stored["failures"])) == [*range(102, 202)]


# Guesses and sends with a mark


def test_a_right_code_gives_a_mark_that_passes_the_lockout_of_strangers():
    device = get_mark()

    assert is_heeded(device)
    assert not is_heeded("")
    assert not is_heeded(get_mark_of_another())


def get_mark_of_another():
    Recipient.objects.update(guesses={}, marks={})
    return get_mark(OTHER)


def test_a_repeated_answer_has_the_same_mark():
    issued = send()

    verdict = guess_right(issued)

    assert repeat_right(issued.verification_id) == verdict


def test_strangers_at_the_lockout_do_not_keep_a_marked_client_from_a_live_code(outbox):
    """F26"""
    device = get_mark()
    issued = send()
    lock_out()

    limited = guess_right(issued)
    verdict = guess_right(issued, device=device)

    assert (limited.outcome, verdict.outcome) == (VerdictOutcome.LIMITED, VerdictOutcome.RIGHT)


def test_a_marked_client_at_the_lockout_gets_no_verdict_and_no_code():
    device = get_mark()
    issued = send()
    lock_out(marked=10, unmarked=0)

    assert guess_right(issued, device=device).outcome is VerdictOutcome.LIMITED
    with pytest.raises(LimitReached, match="guess_limit"):
        send(device=device)
    assert guess_right(issued).outcome is VerdictOutcome.RIGHT


def test_a_hundred_failures_in_a_row_of_both_lock_both():
    device = get_mark()
    issued = send()
    lock_out(marked=40, unmarked=60)
    let_pass(days=2)
    verification = Verification.objects.filter(pk=issued.verification_id)
    verification.update(expires_at=django_timezone.now() + timedelta(minutes=5))

    verdicts = [guess_right(issued), guess_right(issued, device=device)]
    Recipient.objects.get().lift_suppression()
    verdicts.append(guess_right(issued, device=device))

    assert [verdict.outcome.value for verdict in verdicts] == ["limited", "limited", "right"]


def test_a_wrong_guess_counts_for_its_own_kind_of_client_only():
    device = get_mark()
    issued = send()
    guess_wrong(issued, device=device)
    guess_wrong(issued, device=device)
    guess_wrong(issued)

    recipient, [mark] = Recipient.objects.get(), marks.read(device)
    counted = [guesses["login"]["in_a_row"] for guesses in (recipient.guesses, recipient.marked_guesses)]
    assert counted == [1, 2]
    assert recipient.mark_failures == {mark.id: {"count": 2, "until": mark.ends_at.timestamp()}}


def test_a_code_has_five_attempts_for_marked_and_other_clients_together():
    """F2"""
    device = get_mark()
    issued = send()

    verdicts = [guess_wrong(issued, device=device if number % 2 else "") for number in range(7)]

    assert [verdict.outcome.value for verdict in verdicts] == ["wrong"] * 5 + ["exhausted"] * 2


@pytest.mark.parametrize("is_marked", [False, True])
def test_a_right_guess_clears_both_budgets_of_its_purpose(is_marked):
    device = get_mark()
    issued = send()
    lock_out(marked=3, unmarked=3)

    guess_right(issued, device=device if is_marked else "")

    recipient = Recipient.objects.get()
    assert (recipient.guesses, recipient.marked_guesses) == ({}, {})


def fail(device, times):
    """Make so many wrong guesses with a mark, without a lockout between them."""
    for number in range(times):
        if number % 5 == 0:
            forget_messages()
            issued = send(device=device)
        guess_wrong(issued, device=device)


def test_ten_failures_end_a_mark():
    device, other = get_mark(), get_mark()
    fail(device, 9)
    before = is_heeded(device)
    fail(device, 1)

    assert (before, is_heeded(device), is_heeded(other)) == (True, False, True)


def test_the_eleventh_guess_of_a_marked_client_counts_as_a_strangers():
    device = get_mark()
    fail(device, 10)
    forget_messages()
    issued = send()

    guess_wrong(issued, device=device)

    recipient, [mark] = Recipient.objects.get(), marks.read(device)
    assert (recipient.guesses["login"]["in_a_row"], recipient.mark_failures[mark.id]["count"]) == (1, 10)


@pytest.mark.parametrize(("days", "is_valid"), [(89, True), (91, False)])
def test_a_mark_ends_by_the_databases_clock(days, is_valid):
    get_mark()
    let_pass(days=days)
    verification = Verification.objects.get()

    assert is_heeded(marks.make(verification, issued_at=verification.verified_at)) is is_valid


class Looking(Guard):
    """Notes what it is asked."""

    seen = []

    def check(self, wanted, *, using):
        self.seen.append(wanted.is_marked)
        return wanted


def test_guards_are_told_who_is_marked(configure):
    Looking.seen.clear()
    device = get_mark()
    configure(GUARDS=[f"{__name__}.Looking"])

    for text in ("", "nonsense", make(OTHER), device):
        send(device=text)
        forget_messages()

    assert Looking.seen == [False, False, False, True]


@pytest.mark.parametrize(("of", "reads"), [("nobody", 1), ("another phone", 1), ("this phone", 2)])
def test_only_a_mark_of_this_phone_costs_a_statement(of, reads):
    mine = get_mark()
    device = {"nobody": "A" * 88, "another phone": make(OTHER), "this phone": mine}[of]

    with CaptureQueriesContext(connection) as captured:
        issued = send(device=device)
    with CaptureQueriesContext(connection) as judged:
        guess_wrong(issued, device=device)

    for queries in (captured, judged):
        assert sum(query["sql"].lstrip().startswith("SELECT") for query in queries) == reads


# What ends a mark


def test_a_number_that_changes_hands_keeps_the_new_holders_mark_only():
    first, second = (guess_and_redeem(user) for user in (1, 2))

    assert (is_heeded(first), is_heeded(second)) == (False, True)


def guess_and_redeem(user):
    verdict = guess_right(send())
    forget_messages()
    proofs.redeem(verdict.proof, purpose="login", user=user)
    verification = Verification.objects.order_by("-verified_at").first()
    assert verdict.device == marks.make(verification, issued_at=verification.verified_at)
    return verdict.device


def test_a_number_that_changes_hands_later_than_its_proof_was_redeemed_does_too():
    first = guess_and_redeem(1)
    verdict = guess_right(send())
    proof = proofs.redeem(verdict.proof, purpose="login")
    before = is_heeded(first)
    Recipient.objects.update(guesses={})

    proofs.assign(proof, user=2)

    assert (before, is_heeded(first), is_heeded(verdict.device)) == (True, False, True)


def test_the_same_holder_keeps_the_marks_of_all_devices():
    devices = [guess_and_redeem(1) for _ in range(2)]

    assert [is_heeded(device) for device in devices] == [True, True]


def test_a_proof_that_is_redeemed_late_revives_no_older_mark():
    old = guess_right(send())
    forget_messages()
    guess_and_redeem(1)
    guess_and_redeem(2)
    proofs.redeem(old.proof, purpose="login", user=3)

    assert not is_heeded(old.device)


def test_a_number_that_is_forgotten_ends_its_marks():
    device = get_mark()
    before = Recipient.objects.get()
    before.opt_out()  # so that the row stays
    forget(PHONE)
    send()

    assert Recipient.objects.get() == before
    assert not is_heeded(device)
    assert is_heeded(get_mark_after_lockout())


def get_mark_after_lockout():
    Recipient.objects.update(guesses={}, marks={})
    forget_messages()
    return get_mark()


def test_a_number_that_is_forgotten_keeps_the_count_of_marked_guesses_but_no_mark():
    device = get_mark()
    issued = send()
    for _ in range(5):
        guess_wrong(issued, device=device)

    forget(PHONE)
    let_pass(hours=26)
    list(purge())

    recipient = Recipient.objects.get()
    assert (recipient.marked_guesses["login"]["in_a_row"], recipient.mark_failures) == (5, {})


def test_a_row_that_was_forgotten_and_purged_revives_no_mark():
    device = get_mark()
    send()
    forget(PHONE)
    before = Recipient.objects.exists()
    let_pass(hours=26)
    list(purge())
    after = Recipient.objects.exists()
    send()

    assert (before, after, is_heeded(device)) == (True, False, False)


def test_a_row_of_the_version_before_allows_marks():
    Recipient.objects.create(phone=PHONE, fingerprint=phones.fingerprint(PHONE))
    device = get_mark()

    assert Recipient.objects.get().marks_from is None
    assert is_heeded(device)


def test_a_second_row_of_the_phone_can_end_a_mark(settings):
    """An erased row of an older key, whose key has come back."""
    device, key = get_mark(), settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW_KEY, [key]
    other = Recipient.objects.create(fingerprint=phones.fingerprint(PHONE))
    before = is_heeded(device)
    Recipient.objects.filter(pk=other.pk).update(marks_from=django_timezone.now() + SECOND)
    forget_messages()
    Recipient.objects.update(guesses={}, marks={})
    issued = send()
    lock_out()

    assert before
    assert guess_right(issued, device=device).outcome is VerdictOutcome.LIMITED
    assert not is_heeded(device)


def test_lifting_a_lock_clears_the_guesses_of_both_and_the_failures_of_marks():
    device = get_mark()
    fail(device, 5)
    lock_out(marked=50, unmarked=50)

    Recipient.objects.get().lift_suppression()

    recipient = Recipient.objects.get()
    assert (recipient.guesses, recipient.marks) == ({}, {})


@pytest.mark.parametrize(("marked", "unmarked", "is_kept"), [(4, 0, False), (5, 0, True), (2, 3, True), (0, 5, True)])
def test_the_purge_keeps_a_row_with_five_failures_of_whichever_kind(marked, unmarked, is_kept):
    send()
    lock_out(marked=marked, unmarked=unmarked)
    let_pass(days=200)

    list(purge())

    assert Recipient.objects.exists() is is_kept


def test_an_export_has_what_is_kept_about_marks():
    device = get_mark()
    fail(device, 1)

    [exported] = export(PHONE)["recipients"]

    recipient = Recipient.objects.get()
    assert (exported["marks"], exported["marks_from"]) == (recipient.marks, recipient.marks_from)
    assert device not in str(exported)
