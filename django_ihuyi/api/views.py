"""The REST API's three views: each parses, calls one function, and answers."""

from __future__ import annotations

from django.http import Http404
from django.views.decorators.debug import sensitive_variables
from rest_framework.request import Request
from rest_framework.response import Response

from django_ihuyi.api.answers import answer_issued, answer_status, answer_verdict
from django_ihuyi.api.clients import client_of
from django_ihuyi.api.endpoint import Endpoint
from django_ihuyi.api.serializers import SendCodeSerializer, VerifyCodeSerializer, parse_verification_id
from django_ihuyi.api.throttling import ClientThrottle, GlobalThrottle, UserThrottle
from django_ihuyi.verification import get_status, send_code, verify_code

# Fields hold no state of a request, and building them for each costs more than validating does.
_SEND_CODE = SendCodeSerializer()
_VERIFY_CODE = VerifyCodeSerializer()


class SendCodeView(Endpoint):
    """Send a code to a phone; with the id of a live verification, send its code again."""

    http_method_names = ["post"]
    throttle_classes = [ClientThrottle, UserThrottle, GlobalThrottle]
    throttle_scope = "send"
    database_down = "sending_unavailable"

    @sensitive_variables()
    def post(self, request: Request) -> Response:
        wanted = _SEND_CODE.run_validation(request.data)
        return answer_issued(send_code(**wanted, client=client_of(request)))


class VerifyCodeView(Endpoint):
    """Judge a guess; the answer to a right one holds the proof."""

    http_method_names = ["post"]
    throttle_classes = [ClientThrottle, UserThrottle, GlobalThrottle]
    throttle_scope = "verify"

    @sensitive_variables()
    def post(self, request: Request) -> Response:
        guess = _VERIFY_CODE.run_validation(request.data)
        return answer_verdict(verify_code(**guess))


class VerificationView(Endpoint):
    """Tell how far a verification is."""

    http_method_names = ["get", "head"]

    def get(self, request: Request, verification_id: str) -> Response:
        named = parse_verification_id(verification_id)
        status = get_status(named) if named else None
        if status is None:
            raise Http404
        return answer_status(status)
