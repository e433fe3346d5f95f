"""A number that changes hands: who proves it for another user takes it over, once, and the old proof is no fact.

The app knows no users. It compares what it is told when proofs are redeemed.
"""

import uuid

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction
from django.test import RequestFactory
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.test import force_authenticate
from rest_framework.views import APIView

from django_ihuyi import forms, proofs
from django_ihuyi.api.fields import PhoneProofField
from django_ihuyi.api.permissions import HasPhoneProof
from django_ihuyi.exceptions import InvalidProof
from django_ihuyi.models import Recipient, Verification
from django_ihuyi.signals import phone_taken_over
from tests.support.time_travel import let_pass
from tests.support.use_cases import PHONE, guess_right, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("outbox")]

A, B = 1, 2


@pytest.fixture
def heard():
    """What the signal told, as (user, previous, id of the verification)."""
    told = []

    def listen(sender, verification, user, previous, **rest):
        assert (sender, verification.redeemed_by) == (Verification, user)
        told.append((user, previous, verification.pk))

    phone_taken_over.connect(listen)
    yield told
    phone_taken_over.disconnect(listen)


def prove(user=None, purpose="login", phone=PHONE):
    """Verify the phone anew, and redeem the proof for a user; return the proof."""
    let_pass(seconds=61)
    return proofs.redeem(guess_right(send(phone, purpose)).proof, purpose=purpose, user=user)


def current():
    """The users whose verification of the phone is a fact."""
    return sorted(Verification.objects.verified_within(PHONE).values_list("redeemed_by", flat=True))


def test_another_user_takes_the_number_over_and_the_first_ones_proof_is_no_longer_current(heard):
    prove(A)
    assert (heard, current()) == ([], ["1"])

    taken = prove(B)

    assert heard == [("2", "1", taken.verification_id)]
    assert current() == ["2"]


def test_the_same_user_takes_nothing_over(heard):
    for _ in range(3):
        prove(A)

    assert (heard, current()) == ([], ["1", "1", "1"])


def test_a_number_that_goes_back_is_taken_over_again(heard):
    for user in (A, B, A):
        prove(user)

    assert [told[:2] for told in heard] == [("2", "1"), ("1", "2")]
    assert current() == ["1", "1"]


def test_a_proof_of_nobody_takes_nothing_over_and_stays_a_fact(heard):
    prove(A)
    for nobody in (None, AnonymousUser(), User(username="not saved")):
        prove(nobody)

    assert (heard, current()) == ([], ["", "", "", "1"])


def test_another_number_is_none_of_its_business(heard):
    prove(A)
    prove(B, phone="+8613900139000")

    assert (heard, current()) == ([], ["1"])


@pytest.mark.parametrize("user", [User(pk=7), 7, "7"], ids=["user", "key", "text"])
def test_a_user_is_named_by_itself_or_its_key(user):
    prove(user)

    assert Recipient.objects.get().holder == "7"


def test_a_key_may_be_a_uuid():
    key = uuid.uuid4()
    prove(key)

    assert Verification.objects.get().redeemed_by == str(key)


def test_a_user_who_was_made_with_the_proof_is_named_afterwards_once(heard):
    prove(A)
    proof = prove()

    for user in (B, 3):
        proofs.assign(proof, user=user)

    assert heard == [("2", "1", proof.verification_id)]
    assert current() == ["2"]


def test_a_proof_whose_redemption_was_rolled_back_names_no_user(heard):
    prove(A)
    let_pass(seconds=61)
    token = guess_right(send()).proof
    with transaction.atomic():
        proof = proofs.redeem(token, purpose="login")
        transaction.set_rollback(True)

    proofs.assign(proof, user=B)

    assert (heard, current()) == ([], ["", "1"])


@pytest.mark.parametrize("user", [None, AnonymousUser()])
def test_nobody_is_not_named(user):
    proof = prove()
    proofs.assign(proof, user=user)
    proofs.assign(proof, user=B)

    assert current() == ["2"]


def test_a_proof_that_is_not_valid_takes_nothing_over(heard):
    prove(A)
    let_pass(seconds=61)
    token = guess_right(send()).proof
    with pytest.raises(InvalidProof):
        proofs.redeem(token, purpose="register", user=B)
    assert heard == []

    proofs.redeem(token, purpose="login", user=B)
    with pytest.raises(InvalidProof):
        proofs.redeem(token, purpose="login", user=3)

    assert [told[:2] for told in heard] == [("2", "1")]


@pytest.mark.django_db(transaction=True)
def test_it_is_told_after_the_commit_and_never_after_a_rollback(heard):
    prove(A)
    let_pass(seconds=61)
    token = guess_right(send()).proof
    with transaction.atomic():
        proofs.redeem(token, purpose="login", user=B)
        transaction.set_rollback(True)
    assert (heard, current()) == ([], ["", "1"])

    with transaction.atomic():
        proofs.redeem(token, purpose="login", user=B)
        assert heard == []

    assert [told[:2] for told in heard] == [("2", "1")]


class Change(serializers.Serializer):
    proof = PhoneProofField(purpose="change_phone")


class ChangeView(APIView):
    permission_classes = [AllowAny]

    def post(self, request):
        Change(data=request.data, context={"request": request}).is_valid(raise_exception=True)
        return Response()


class GuardedView(APIView):
    permission_classes = [HasPhoneProof]
    phone_proof_purpose = "change_phone"

    def post(self, request):
        return Response()


@pytest.mark.parametrize("view", [ChangeView, GuardedView])
@pytest.mark.parametrize("user", [User(pk=A), None], ids=["user", "nobody"])
def test_drf_redeems_for_the_user_of_the_request(view, user):
    proof = guess_right(send(purpose="change_phone")).proof
    request = RequestFactory().post("/", {"proof": proof})
    if user:
        force_authenticate(request, user)

    assert view.as_view()(request).status_code == 200
    assert Verification.objects.get().redeemed_by == ("1" if user else "")


def test_a_form_redeems_for_the_user_that_it_is_told():
    class ProfileForm(forms.forms.Form):
        proof = forms.PhoneProofField(purpose="change_phone")

    form = ProfileForm({"proof": guess_right(send(purpose="change_phone")).proof})
    form.fields["proof"].user = User(pk=A)

    assert form.is_valid()
    assert Verification.objects.get().redeemed_by == "1"
    assert ProfileForm.base_fields["proof"].user is None


def test_a_proof_without_a_user_costs_no_more_than_before(django_assert_num_queries):
    token = guess_right(send()).proof

    with django_assert_num_queries(2):
        proofs.redeem(token, purpose="login")
