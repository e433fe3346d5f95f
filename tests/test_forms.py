"""A host's own form: what it learns from a proof, and how often it can be used."""

import pytest
from django import forms

from django_ihuyi import verification
from django_ihuyi.backends.locmem import outbox
from django_ihuyi.forms import PhoneProofField
from django_ihuyi.models import Verification
from django_ihuyi.proofs import Proof

pytestmark = pytest.mark.django_db

EXPIRED = "The verification of the phone is no longer valid. Repeat it."


class RegisterForm(forms.Form):
    name = forms.CharField()
    proof = PhoneProofField(purpose="register")


class ProfileForm(forms.Form):
    proof = PhoneProofField(purpose="change_phone", required=False)


@pytest.fixture
def token():
    outbox.clear()
    issued = verification.send_code("13800138000", purpose="register")
    return verification.verify_code(issued.verification_id, outbox[-1].code).proof


def test_the_field_gives_the_redeemed_proof_once(token):
    data = {"name": "Li", "proof": token}

    first, second = RegisterForm(data), RegisterForm(data)

    assert first.is_valid()
    row = Verification.objects.get()
    assert first.cleaned_data["proof"] == Proof(
        phone="+8613800138000", purpose="register", verification_id=row.pk, verified_at=row.verified_at
    )
    assert second.errors.get_json_data() == {"proof": [{"message": EXPIRED, "code": "proof_invalid"}]}


@pytest.mark.parametrize(
    ("text", "message", "code"),
    [
        ("", "Verify the phone first.", "required"),
        ("x" * 64, EXPIRED, "proof_invalid"),
        ("\x00", "Null characters are not allowed.", "null_characters_not_allowed"),
    ],
)
def test_a_text_that_is_not_a_proof_is_an_error_of_the_field(text, message, code):
    errors = RegisterForm({"name": "Li", "proof": text}).errors

    assert errors.get_json_data() == {"proof": [{"message": message, "code": code}]}


def test_a_field_that_is_not_required_may_be_empty():
    form = ProfileForm({})

    assert form.is_valid()
    assert form.cleaned_data == {"proof": None}


def test_a_proof_for_another_purpose_is_refused_and_not_used_up(token):
    assert not ProfileForm({"proof": token}).is_valid()
    assert RegisterForm({"name": "Li", "proof": token}).is_valid()


def test_the_proof_stands_in_the_page_unseen():
    assert RegisterForm()["proof"].is_hidden
