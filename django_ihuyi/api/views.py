"""The REST API's views: each parses, calls one function, and answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from rest_framework.request import Request
from rest_framework.response import Response

from django_ihuyi.api.devices import Device, pop_device
from django_ihuyi.api.endpoint import Endpoint
from django_ihuyi.api.idempotency import Act, answer_once
from django_ihuyi.api.problems import refuse
from django_ihuyi.api.serializers import (
    CaptchaSerializer,
    SendCodeSerializer,
    VerifyCodeSerializer,
    answer_issued,
    answer_status,
    answer_verdict,
    parse_verification_id,
)
from django_ihuyi.client_addresses import client_of, known_client_of, user_of
from django_ihuyi.conf import settings
from django_ihuyi.guards.captcha import show_captcha
from django_ihuyi.guards.captchas import ID, get_captcha
from django_ihuyi.verification import get_status, send_code, verify_code

# Shared by all requests: fields keep no state of one, and building them takes longer than validating.
_SEND_CODE = SendCodeSerializer()
_VERIFY_CODE = VerifyCodeSerializer()
_CAPTCHA = CaptchaSerializer()


class SendCodeView(Endpoint):
    """Send a code to a phone; with the id of a live verification, send its code again."""

    http_method_names = ["post"]
    throttle_scope = "send"
    database_down = "sending_unavailable"

    @sensitive_variables()
    def post(self, request: Request) -> Response:
        wanted = _SEND_CODE.run_validation(request.data)
        device = pop_device(request, wanted)
        # Guards count by client, so they would count all requests without an address as one.
        client = known_client_of(request) if settings.GUARDS else client_of(request)
        user = user_of(request)
        return _answer(
            request,
            wanted,
            device,
            lambda _: answer_issued(send_code(**wanted, client=client, user=user, device=device.text)),
        )


class VerifyCodeView(Endpoint):
    """Judge a guess; the answer to a right one holds the proof."""

    http_method_names = ["post"]
    throttle_scope = "verify"

    @sensitive_variables()
    def post(self, request: Request) -> Response:
        guess = _VERIFY_CODE.run_validation(request.data)
        device = pop_device(request, guess)
        return _answer(
            request,
            guess,
            device,
            lambda record: answer_verdict(verify_code(**guess, device=device.text, record=record), device),
        )


class VerificationView(Endpoint):
    """Return the state of a verification."""

    http_method_names = ["get", "head"]
    throttle_scope = "status"

    def get(self, request: Request, verification_id: str = "") -> Response:
        named = parse_verification_id(verification_id or request.META.get("HTTP_VERIFICATION_ID", ""))
        status = get_status(named) if named else None
        if status is None:
            raise Http404
        return answer_status(status)


class VerificationByHeaderView(VerificationView):
    """Return the state of the verification that a header names: access logs have paths, but not headers."""


class CaptchaView(Endpoint):
    """Return a captcha for a purpose."""

    http_method_names = ["get"]
    throttle_scope = "captcha"

    def get(self, request: Request) -> Response:
        wanted = _CAPTCHA.run_validation(request.query_params.dict())
        if not settings.CAPTCHA:
            return refuse("not_found", detail=str(_("This site asks for no captcha.")))
        return Response(show_captcha(**wanted, client=client_of(request)))


class CaptchaFileView(Endpoint):
    """Return a file of a captcha that was shown: its picture, or a recording of it."""

    http_method_names = ["get"]
    throttle_scope = "captcha"

    def get(self, request: Request, file: str, challenge_id: str) -> HttpResponse:
        is_known = settings.CAPTCHA and ID.fullmatch(file) and ID.fullmatch(challenge_id)
        found = get_captcha().get_file(file, challenge_id=challenge_id) if is_known else None
        return found or refuse("not_found", detail=str(_("There is no such captcha, or it has expired.")))


@sensitive_variables()
def _answer(request: Request, body: Mapping[str, Any], device: Device, act: Act) -> Response:
    key = request.META.get("HTTP_IDEMPOTENCY_KEY")
    return act(None) if key is None else answer_once(request, key, body, device, act)
