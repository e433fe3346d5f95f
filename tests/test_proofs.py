"""Proofs: nobody can make one, and each is good once, for its purpose, for ten minutes."""

import base64

import pytest

from django_ihuyi import proofs
from django_ihuyi.exceptions import InvalidProof
from django_ihuyi.models import Verification
from django_ihuyi.proofs import Proof
from tests.support.time_travel import let_pass
from tests.support.use_cases import PHONE, guess_right, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("outbox")]


@pytest.fixture
def proof(outbox):
    return guess_right(send()).proof


def redeem(token, purpose="login"):
    return proofs.redeem(token, purpose=purpose)


def test_a_proof_says_who_was_verified_for_what_and_when(proof):
    verification = Verification.objects.get()

    assert redeem(proof) == Proof(
        phone=PHONE, purpose="login", verification_id=verification.pk, verified_at=verification.verified_at
    )


def test_a_proof_is_redeemed_once(proof):
    redeem(proof)

    with pytest.raises(InvalidProof):
        redeem(proof)


def test_a_proof_for_another_purpose_is_refused_and_not_used_up(proof):
    with pytest.raises(InvalidProof):
        redeem(proof, purpose="reset_password")

    assert redeem(proof).purpose == "login"


@pytest.mark.parametrize(("passed", "is_good"), [(599, True), (601, False)], ids=["599 s", "601 s"])
def test_a_proof_lives_ten_minutes(proof, passed, is_good):
    let_pass(seconds=passed)

    assert is_redeemed(proof) is is_good


def is_redeemed(token):
    try:
        redeem(token)
    except InvalidProof:
        return False
    return True


def flip(token, place):
    """Change one bit of the decoded token."""
    decoded = bytearray(base64.urlsafe_b64decode(token))
    decoded[place] ^= 1
    return base64.urlsafe_b64encode(decoded).decode()


FORGERIES = {
    "another id": lambda token: flip(token, 0),
    "first byte of the signature": lambda token: flip(token, 16),
    "last byte of the signature": lambda token: flip(token, 47),
    "cut short": lambda token: token[:-4],
    "longer": lambda token: token + "AAAA",
    "with a line feed": lambda token: token + "\n",
    "with a blank in front": lambda token: " " + token,
    "only the id": lambda token: token[:24],
    "the id, signed with nothing": lambda token: token[:22] + "A" * 42,
    "in other case": str.swapcase,
    "empty": lambda token: "",
    "no text": lambda token: None,
    "bytes": str.encode,
    "a number": lambda token: 64,
    "a list": lambda token: [token],
    "no base64": lambda token: "!" * 64,
    "Chinese": lambda token: "证" * 64,
    "huge": lambda token: token * 1000,
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
def test_what_was_not_made_here_is_no_proof(proof, forge):
    assert is_redeemed(forge(proof)) is False
    assert is_redeemed(proof) is True


def test_nobody_can_sign_for_a_verification_that_was_not_verified(outbox):
    send()

    assert is_redeemed(proofs.make(Verification.objects.get())) is False


def test_a_proof_survives_the_rotation_of_its_key(proof, settings):
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a-new-secret-key-of-more-than-32-bytes"

    assert is_redeemed(proof) is True


def test_a_proof_dies_with_its_key(proof, settings):
    settings.SECRET_KEY = "a-new-secret-key-of-more-than-32-bytes"

    assert is_redeemed(proof) is False


def test_a_proof_of_one_phone_does_not_speak_for_another(proof):
    recipient = Verification.objects.get().recipient
    recipient.phone = "+8613900139000"
    recipient.save()

    assert is_redeemed(proof) is False


def test_a_proof_can_be_made_again_for_an_answer_that_was_lost(proof):
    assert proofs.make(Verification.objects.get()) == proof
