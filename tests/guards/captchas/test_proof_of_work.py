"""altcha's library as the captcha: its real challenges, solved by its real solver."""

import base64
import json

import pytest
from altcha import Challenge, Payload, Solution, solve_challenge

from django_ihuyi.exceptions import CaptchaFailed, CaptchaRequired
from tests.support.riddle_captcha import GUARD
from tests.support.use_cases import send

pytestmark = pytest.mark.django_db

CLIENT = "192.0.2.7"


@pytest.fixture
def shown(configure, outbox):
    """Ask for some work; return what a client gets."""

    def show():
        with pytest.raises(CaptchaRequired) as refusal:
            send(client=CLIENT)
        return refusal.value.challenge

    configure(GUARDS=[GUARD], CAPTCHA={"BACKEND": "proof_of_work", "OPTIONS": {"cost": 10, "tries": 5}})
    return show


def work(shown):
    """What altcha's widget sends."""
    challenge = Challenge.from_dict(shown["challenge"])
    return answer(shown, Payload(challenge, solve_challenge(challenge)).to_base64())


def answer(shown, payload):
    return {"challenge_id": shown["challenge_id"], "payload": payload}


def encoded(value):
    return base64.b64encode(json.dumps(value).encode()).decode()


def test_the_challenge_has_the_form_of_altcha(shown):
    challenge = shown()

    assert challenge["kind"] == "proof_of_work"
    assert set(challenge["challenge"]) == {"parameters", "signature"}
    assert challenge["challenge"]["parameters"]["algorithm"] == "PBKDF2/SHA-256"
    assert challenge["challenge"]["parameters"]["cost"] == 10
    assert json.loads(json.dumps(challenge)) == challenge


def test_completed_work_brings_a_code(shown, outbox):
    send(client=CLIENT, captcha=work(shown()))

    assert len(outbox) == 1


def test_the_work_takes_at_least_so_many_tries(shown):
    counters = [solve_challenge(Challenge.from_dict(shown()["challenge"])).counter for _ in range(20)]

    assert min(counters) >= 5
    assert max(counters) < 10


def test_work_outlives_the_move_of_its_key_to_the_fallbacks(shown, settings, outbox):
    done = work(shown())
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key-of-the-tests-0123456789-abcdefghijklmnop"

    send(client=CLIENT, captcha=done)

    assert len(outbox) == 1


def test_work_for_another_challenge_is_refused(shown, outbox):
    done, other = work(shown()), shown()

    with pytest.raises(CaptchaFailed):
        send(client=CLIENT, captcha=answer(other, done["payload"]))

    assert outbox == []


def test_a_forged_challenge_is_refused(shown, outbox):
    """An easier one, with the name of ours."""
    ours = shown()
    easy = Challenge.from_dict(ours["challenge"])
    easy.parameters.key_prefix, easy.parameters.cost = "", 1

    with pytest.raises(CaptchaFailed):
        send(client=CLIENT, captcha=answer(ours, Payload(easy, solve_challenge(easy)).to_base64()))

    assert outbox == []


def test_a_guess_is_refused(shown, outbox):
    ours = shown()
    guess = Payload(Challenge.from_dict(ours["challenge"]), Solution(counter=7, derived_key="00" * 32))

    with pytest.raises(CaptchaFailed):
        send(client=CLIENT, captcha=answer(ours, guess.to_base64()))

    assert outbox == []


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "%",
        "bm90IGpzb24=",
        encoded(None),
        encoded([]),
        encoded({}),
        encoded({"challenge": 5, "solution": 5}),
        encoded({"challenge": {"parameters": []}, "solution": {}}),
        base64.b64encode(b"[" * 100_000).decode(),
        base64.b64encode(b"\xff").decode(),
        "\ud800",
    ],
)
def test_a_malformed_payload_is_refused(shown, outbox, payload):
    with pytest.raises(CaptchaFailed):
        send(client=CLIENT, captcha=answer(shown(), payload))

    assert outbox == []


@pytest.mark.parametrize("change", [{"nonce": 5}, {"nonce": None}, {"salt": "zz"}, {"cost": "much"}, {"keyPrefix": 5}])
def test_changed_parameters_are_refused(shown, outbox, change):
    ours = shown()
    spoilt = {**ours["challenge"], "parameters": {**ours["challenge"]["parameters"], **change}}
    payload = encoded({"challenge": spoilt, "solution": {"counter": 7, "derivedKey": "00"}})

    with pytest.raises(CaptchaFailed):
        send(client=CLIENT, captcha=answer(ours, payload))

    assert outbox == []
