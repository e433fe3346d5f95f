"""The main job, through the Python API."""

import pytest

from django_ihuyi import proofs, verification
from django_ihuyi.backends.locmem import outbox
from django_ihuyi.exceptions import InvalidProof, LimitReached
from django_ihuyi.verification import VerdictOutcome

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _empty_outbox():
    outbox.clear()


def test_a_code_that_was_sent_verifies_the_phone_and_its_proof_is_redeemed_once(django_assert_num_queries):
    with django_assert_num_queries(7):  # five statements, and the savepoint of the claim
        issued = verification.send_code("138 0013 8000", purpose="login")
    [text] = outbox
    verdict = verification.verify_code(issued.verification_id, text.code)
    proof = proofs.redeem(verdict.proof, purpose="login")

    assert verdict.outcome is VerdictOutcome.RIGHT
    assert (proof.phone, proof.purpose) == ("+8613800138000", "login")
    with pytest.raises(InvalidProof):
        proofs.redeem(verdict.proof, purpose="login")


def test_wrong():
    issued = verification.send_code("138 0013 8000", purpose="login")
    got = [verification.verify_code(issued.verification_id, "000000").outcome for _ in range(7)]
    assert got == [VerdictOutcome.WRONG] * 5 + [VerdictOutcome.EXHAUSTED] * 2
    with pytest.raises(LimitReached):
        verification.send_code("138 0013 8000", purpose="login")
    print(verification.get_status(issued.verification_id))
