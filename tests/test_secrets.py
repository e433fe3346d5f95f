"""No code, key or whole number stands anywhere that it need not."""

import base64
import contextlib
import logging
import re
import sys
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from django.views.debug import ExceptionReporter

from django_ihuyi import codes, conf, proofs
from django_ihuyi.backends import get_backend
from django_ihuyi.conf import Settings
from django_ihuyi.exceptions import InvalidProof, NotSent
from django_ihuyi.guards.captchas import tickets
from django_ihuyi.models import Message, Recipient, Verification
from django_ihuyi.texts.templates import fill
from django_ihuyi.verification import get_status, marks
from django_ihuyi.webhooks.gate import is_known
from tests.support.comparisons import count_comparisons
from tests.support.database_dump import dump
from tests.support.time_travel import let_pass
from tests.support.use_cases import PHONE, failing, guess_right, guess_wrong, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("outbox")]

API_KEY = "feedfacecafebeef0123456789abcdef"
REAL = {"BACKEND": "django_ihuyi.backends.ihuyi.IhuyiBackend", "OPTIONS": {"account": "C12345678", "api_key": API_KEY}}


# What is made of digits anyway, and could hold those of a code by chance.
BY_CHANCE = re.compile(r"\+86[0-9]{11}|\b[0-9a-f]{8,}\b|[0-9]{4}-[0-9]{2}-[0-9]{2}.[0-9:.]+|[0-9]{10}\.[0-9]+")


def disguises(secret):
    """The ways in which a secret could stand in a text."""
    raw = secret.encode()
    return {secret, secret[::-1], raw.hex(), base64.b64encode(raw).decode().rstrip("="), quote(secret)}


def test_the_database_holds_no_code_in_any_form(configure, outbox):
    configure(CODE_LENGTH=8)
    for number in range(100):
        issued = send(f"+86138{number:08d}")
        if number % 3 == 0:
            guess_wrong(issued)
        if number % 2 == 0:
            guess_right(issued)

    stored = dump()
    looked_at = BY_CHANCE.sub("", stored)
    assert (len(outbox), stored.count("********")) == (100, 100)
    assert [text.code for text in outbox if text.code in stored.split("\n")] == []
    assert [text.code for text in outbox for form in disguises(text.code) if form in looked_at] == []


def test_the_seed_and_the_row_are_worth_nothing_without_the_key(outbox, settings):
    send()
    stolen = Verification.objects.select_related("recipient").get()

    settings.SECRET_KEY = "the-key-of-the-thief-who-has-the-database"

    assert stolen.code == ""
    guessed = codes.derive(
        seed=stolen.seed,
        key_id=codes.current_key_id(),
        verification_id=stolen.pk,
        phone=PHONE,
        purpose="login",
        length=6,
    )
    assert guessed != outbox[0].code


def test_a_seed_is_blanked_when_its_verification_ends():
    guess_right(send())
    exhausted = send("+8613900139000")
    for _ in range(5):
        guess_wrong(exhausted)
    expired = send("+8613700137000")
    let_pass(minutes=6)
    guess_right(expired)

    assert list(Verification.objects.values_list("seed", flat=True)) == ["", "", ""]


def test_nothing_secret_is_shown_by_what_we_hand_around(outbox):
    issued, live = send(), Verification.objects.get()
    status, backend = get_status(issued.verification_id), get_backend("sms")
    text = fill("code", [outbox[0].code], code=outbox[0].code)
    verdict = guess_right(issued)
    proof = proofs.redeem(verdict.proof, purpose="login")

    [mark] = marks.read(verdict.device)
    rows = [live, mark, Message.objects.get(), Recipient.objects.get()]
    shown = "\n".join(f"{thing!r} {thing}" for thing in [issued, status, text, backend, verdict, proof, *outbox, *rows])
    secrets = {
        "code": outbox[0].code,
        "seed": live.seed,
        "number": PHONE[3:],
        "proof": verdict.proof,
        "device": verdict.device,
    }
    assert [name for name, secret in secrets.items() if secret in shown] == []


def test_a_backend_shows_no_key(configure):
    configure(CHANNELS={"sms": REAL})
    backend = get_backend("sms")

    assert API_KEY not in f"{backend!r} {backend} {backend.client!r} {backend.client}"


def test_a_channel_that_cannot_be_used_is_told_without_its_key(configure):
    configure(CHANNELS={"sms": {**REAL, "OPTIONS": {**REAL["OPTIONS"], "url": "http://example.com/sms.php"}}})

    with pytest.raises(ImproperlyConfigured) as refusal:
        get_backend("sms")

    assert API_KEY not in f"{refusal.value} {refusal.value!r}"


@pytest.mark.parametrize("outcome", ["accepted", "unknown", "unsent", "refused"])
def test_the_log_keeps_codes_and_numbers_to_itself(configure, caplog, outbox, outcome):
    configure(CHANNELS=failing(outcome=outcome))
    with caplog.at_level(logging.DEBUG):
        caplog.handler.setLevel(logging.DEBUG)
        try:
            issued = send()
            guess_wrong(issued)
            guess_right(issued)
        except NotSent as refusal:
            logging.getLogger("host").exception("not sent: %r", refusal)

    # What the database layer logs on DEBUG are Django's own statements, parameters and all.
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name != "django.db.backends")
    codes_sent = [text.code for text in outbox]
    assert [secret for secret in (PHONE, PHONE[3:], *codes_sent) if secret in ours] == []


BOUND = {"kind": "riddle", "purpose": "login", "client": "192.0.2.7", "now": 0}
WEBHOOK_SECRETS = ["Sg4mkQ-Zy1xH_eB7Dw0cTnUpKf2RvJ8aLo5iXq9hM3E", "b0TzXr_6NdPq-W2uJc8kVfYh5aLmE1sGiO7xRtK3BvQ"]


def issue_decoy():
    recipient, minutes = Recipient().identify(PHONE), timedelta(minutes=5)
    return Verification.issue(
        recipient, purpose="login", code_length=6, now=timezone.now(), lifetime=minutes, decoy=True
    )


def redeem(token):
    with contextlib.suppress(InvalidProof):
        proofs.redeem(token, purpose="login")


# How each is made, how it is judged, where its secret part begins, and how often it is compared.
COMPARED = {
    "code": (lambda: "012345", lambda guess: codes.matches("012345", guess), 0, 1),
    # To say no takes just as long where no guess can be right.
    "code of a decoy": (lambda: "012345", lambda guess: issue_decoy().matches(guess), 0, 1),
    "code that has ended": (lambda: "012345", lambda guess: codes.matches("", guess), 0, 1),
    "proof": (lambda: guess_right(send()).proof, redeem, 22, 1),
    "device mark": (lambda: guess_right(send()).device, marks.read, -43, 1),
    "ticket of a captcha": (
        lambda: tickets.write_ticket("a", **BOUND),
        lambda ticket: tickets.read_ticket(ticket, **BOUND),
        -64,
        1,
    ),
    # With each, whichever it is.
    "webhook secret": (lambda: WEBHOOK_SECRETS[0], is_known, 0, 2),
}


@pytest.mark.parametrize("offered", ["right", "first character wrong", "last character wrong"])
@pytest.mark.parametrize(("make", "judge", "begin", "times"), COMPARED.values(), ids=COMPARED)
def test_a_secret_is_compared_in_constant_time(configure, make, judge, begin, times, offered):
    """However much of it is right, hmac.compare_digest is called: == would tell by its time how much."""
    configure(WEBHOOK_SECRETS=WEBHOOK_SECRETS)
    secret = list(make())
    if offered != "right":
        place = begin if offered.startswith("first") else -1
        secret[place] = "1" if secret[place] == "0" else "0"

    assert count_comparisons(lambda: judge("".join(secret))) == times


@pytest.mark.parametrize("name", ["CLIENT_LIMITS", "CAPTCHA", "CODE_LENGTH"])
def test_an_error_while_a_setting_is_read_shows_no_other_setting(configure, name):
    """With Django's own error report, whose marks do not reach every reader of a setting."""
    configure(CAPTCHA={"BACKEND": "geetest", "OPTIONS": {"captcha_id": "1", "hidden": API_KEY}}, CLIENT_LIMITS={})
    readers = {read.__code__ for read in (Settings.__getattribute__, conf._complete, conf._fill_in)}
    shown = []

    for reader in readers:

        def fail(frame, event, value, reader=reader):
            if event == "return" and frame.f_code is reader:
                sys.setprofile(None)
                raise OSError("forced")

        sys.setprofile(fail)
        try:
            getattr(conf.settings, name)
        except OSError:
            frames = ExceptionReporter(None, *sys.exc_info()).get_traceback_frames()
            shown += [repr(frame["vars"]) for frame in frames if frame["filename"] == conf.__file__]
        finally:
            sys.setprofile(None)

    assert shown
    assert API_KEY not in "".join(shown)
