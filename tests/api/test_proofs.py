"""A host's own endpoints: what they learn from a proof, and how often it can be used."""

import json
import sys

import pytest
from django.db import transaction
from django.test import RequestFactory
from django.views.debug import ExceptionReporter
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from django_ihuyi import verification
from django_ihuyi.api.fields import PhoneProofField
from django_ihuyi.api.permissions import HasPhoneProof
from django_ihuyi.models import Verification
from django_ihuyi.proofs import Proof

pytestmark = pytest.mark.django_db

EXPIRED = "The verification of the phone is no longer valid. Repeat it."


class RegisterSerializer(serializers.Serializer):
    proof = PhoneProofField(purpose="register")
    name = serializers.CharField()


class RegisterView(APIView):
    permission_classes = [AllowAny, HasPhoneProof]
    phone_proof_purpose = "register"

    def post(self, request):
        return Response({"phone": request.phone_proof.phone, "purpose": request.phone_proof.purpose})


@pytest.fixture
def make_proof(sent):
    def make(purpose="register", phone="13800138000"):
        issued = verification.send_code(phone, purpose=purpose)
        return verification.verify_code(issued.verification_id, sent[-1].code).proof

    return make


def post(body="{}", **headers):
    request = RequestFactory().post("/register/", body, content_type="application/json", **headers)
    return RegisterView.as_view()(request)


class FailingView(RegisterView):
    def post(self, request):
        raise LookupError("the host's own fault")


def report_of(request):
    """Return what Django's own report says of a view that failed, as text and as a page."""
    try:
        FailingView.as_view()(request)
    except LookupError:
        report = ExceptionReporter(request, *sys.exc_info())
    return [report.get_traceback_text(), report.get_traceback_html()]


def test_no_report_of_a_view_that_fails_shows_the_header_s_proof(make_proof):
    token = make_proof()
    request = RequestFactory().post("/register/", "{}", content_type="application/json", headers={"Phone-Proof": token})

    pages = report_of(request)

    assert [("HTTP_PHONE_PROOF" in page, token in page) for page in pages] == [(True, False)] * 2


def test_a_serializer_s_field_gives_the_redeemed_proof_once(make_proof):
    data = {"proof": make_proof(), "name": "Li"}

    first, second = RegisterSerializer(data=data), RegisterSerializer(data=data)

    assert first.is_valid()
    row = Verification.objects.get()
    assert first.validated_data["proof"] == Proof(
        phone="+8613800138000", purpose="register", verification_id=row.pk, verified_at=row.verified_at
    )
    assert not second.is_valid()
    assert second.errors == {"proof": [serializers.ErrorDetail(EXPIRED, code="proof_invalid")]}
    assert first.data == {"name": "Li"}


@pytest.mark.parametrize(
    ("token", "code"),
    [(None, "null"), ("", "blank"), (1, "proof_invalid"), ([], "proof_invalid"), ("x" * 64, "proof_invalid")],
)
def test_a_text_that_is_not_a_proof_is_an_error_of_the_field(token, code):
    serializer = RegisterSerializer(data={"proof": token, "name": "Li"})

    assert not serializer.is_valid()
    assert [error.code for error in serializer.errors["proof"]] == [code]


def starts_with_138(proof):
    if not proof.phone.startswith("+86138"):
        raise serializers.ValidationError("not ours", code="foreign")


def narrow(**options):
    """Return a serializer whose field is narrowed by `options`."""
    field = PhoneProofField(purpose="register", validators=[starts_with_138], **options)
    return type("Narrow", (serializers.Serializer,), {"proof": field})


def test_a_text_of_a_wrong_length_is_an_error_of_the_field_and_redeems_nothing(make_proof):
    token = make_proof()
    too_long = narrow(max_length=len(token) - 1)(data={"proof": token})
    too_short = narrow(min_length=len(token) + 1)(data={"proof": token})

    assert [too_long.is_valid(), too_short.is_valid()] == [False, False]
    assert [too_long.errors["proof"][0].code, too_short.errors["proof"][0].code] == ["max_length", "min_length"]
    assert narrow(max_length=len(token), min_length=len(token))(data={"proof": token}).is_valid()


def test_a_hosts_own_validators_judge_the_proof(make_proof):
    serializer = narrow(max_length=500)(data={"proof": make_proof(phone="13900139000")})

    assert not serializer.is_valid()
    assert serializer.errors["proof"][0].code == "foreign"


def test_a_proof_for_another_purpose_is_refused_and_not_used_up(make_proof):
    token = make_proof("login")

    assert not RegisterSerializer(data={"proof": token, "name": "Li"}).is_valid()
    assert Verification.objects.get().proof_redeemed_at is None


def test_a_proof_outlives_a_refused_request_whose_transaction_is_rolled_back(make_proof):
    token = make_proof()

    with transaction.atomic():
        assert not RegisterSerializer(data={"proof": token, "name": ""}).is_valid()
        transaction.set_rollback(True)

    assert RegisterSerializer(data={"proof": token, "name": "Li"}).is_valid()


@pytest.mark.parametrize("place", ["header", "body"])
def test_a_request_with_a_proof_passes_once(make_proof, place):
    token = make_proof()
    sent = {"HTTP_PHONE_PROOF": token} if place == "header" else {"body": json.dumps({"proof": token})}

    first, second = post(**sent), post(**sent)

    assert (first.status_code, first.data) == (200, {"phone": "+8613800138000", "purpose": "register"})
    assert (second.status_code, second.data["detail"].code) == (403, "proof_invalid")


@pytest.mark.parametrize("body", ["{}", "[]", '{"proof": null}', '{"proof": 1}', '{"proof": ["x"]}', '"x"'])
def test_a_request_without_a_proof_does_not_pass(body):
    refused = post(body)

    assert refused.status_code == 403
    assert refused.data == {"detail": "The verification of the phone is missing or no longer valid. Repeat it."}


def test_a_permission_that_is_asked_twice_about_a_request_redeems_once(make_proof):
    """As the browsable API does, for each of its forms."""

    class AskedTwice(RegisterView):
        permission_classes = [HasPhoneProof, HasPhoneProof]

    request = RequestFactory().post("/", "{}", content_type="application/json", HTTP_PHONE_PROOF=make_proof())

    assert AskedTwice.as_view()(request).status_code == 200
