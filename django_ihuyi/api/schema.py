"""The API's description in OpenAPI, which drf-spectacular cannot read off the views. Loaded if it is installed."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension, OpenApiViewExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers

from django_ihuyi.api import serializers as bodies
from django_ihuyi.api.idempotency import HEADER
from django_ihuyi.api.problems import CONTENT_TYPE, PROBLEMS

Responses = dict[tuple[int, str], OpenApiResponse]

TAG = "phone"
#: Refusals of any request, and of one with a body.
_OF_ALL = ("permission_denied", "cross_site", "unavailable")
_OF_BODIES = ("invalid", "too_large", "unsupported_media_type", "idempotency_in_progress", "idempotency_mismatch")


class FieldErrorSerializer(serializers.Serializer[Any]):
    """An error in one field, or in the body as a whole if the field's name is empty."""

    field = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """Problem details (RFC 9457). Programs should go by `code`, which never changes."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="For people, in the language of the request.")
    code = serializers.CharField()
    retry_after = serializers.IntegerField(required=False, help_text="Seconds, as in the header Retry-After.")
    attempts_left = serializers.IntegerField(required=False, help_text="With code_wrong.")
    errors = FieldErrorSerializer(many=True, required=False)  # type: ignore[assignment]  # the name that DRF has, too
    captcha = serializers.DictField(required=False, help_text="With captcha_required and captcha_failed.")


class IssuedCodeSerializer(serializers.Serializer[Any]):
    """The answer of send-code."""

    verification_id = serializers.CharField(help_text="32 hexadecimal digits. Keep them secret: a guess needs them.")
    phone = serializers.CharField(help_text="Masked.")
    purpose = serializers.CharField()
    channel = serializers.CharField()
    code_length = serializers.IntegerField(help_text="Digits.")
    expires_at = serializers.DateTimeField()
    expires_in = serializers.IntegerField(help_text="Seconds.")
    resend_at = serializers.DateTimeField()
    resend_in = serializers.IntegerField(help_text="Seconds.")


class PhoneProofSerializer(serializers.Serializer[Any]):
    """The answer of verify-code to the right code."""

    proof = serializers.CharField(help_text="The site's own endpoint redeems it, once.")
    phone = serializers.CharField(help_text="Whole, as E.164.")
    purpose = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds.")
    device = serializers.CharField(required=False, help_text="A new device mark, if the request had this member.")


class VerificationStatusSerializer(serializers.Serializer[Any]):
    """The state of a verification."""

    state = serializers.ChoiceField(choices=["pending", "verified", "expired", "exhausted"])
    delivery = serializers.ChoiceField(choices=["pending", "delivered", "failed", "unknown"])
    phone = serializers.CharField(help_text="Masked.")
    purpose = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds.")
    resend_in = serializers.IntegerField(help_text="Seconds.")
    attempts_left = serializers.IntegerField()


def _refusals(*codes: str) -> Responses:
    """Return the descriptions of refusals by status: all have one shape, and list their codes."""
    by_status: dict[int, list[str]] = defaultdict(list)
    for code in (*codes, *_OF_ALL):
        by_status[PROBLEMS[code].status].append(code)
    return {
        (status, CONTENT_TYPE): OpenApiResponse(ProblemSerializer, description=", ".join(by_status[status]))
        for status in sorted(by_status)
    }


def _success(status: int, body: Any, description: str) -> Responses:
    return {(status, "application/json"): OpenApiResponse(body, description=description)}


_IDEMPOTENCY_KEY = OpenApiParameter(
    HEADER,
    {"type": "string", "pattern": "^[!-~]{1,255}$"},
    OpenApiParameter.HEADER,
    description="A new key for each action of a person. A request with the same key may then be repeated.",
)
_STATUS = {
    **_success(200, VerificationStatusSerializer, "The state of the verification."),
    **_refusals("client_limit", "not_found"),
}
_DESCRIPTIONS: dict[str, dict[str, Any]] = {
    "SendCodeView": {
        "post": extend_schema(
            operation_id="sendCode",
            summary="Send a code",
            tags=[TAG],
            request={"application/json": bodies.SendCodeSerializer},
            parameters=[_IDEMPOTENCY_KEY],
            responses={
                **_success(202, IssuedCodeSerializer, "A code is on its way."),
                **_refusals(
                    *_OF_BODIES,
                    "client_limit",
                    "global_limit",
                    "number_refused",
                    "captcha_required",
                    "captcha_failed",
                    "resend_too_soon",
                    "number_limit",
                    "guess_limit",
                    "sending_unavailable",
                ),
            },
        )
    },
    "VerifyCodeView": {
        "post": extend_schema(
            operation_id="verifyCode",
            summary="Judge a code",
            tags=[TAG],
            request={"application/json": bodies.VerifyCodeSerializer},
            parameters=[_IDEMPOTENCY_KEY],
            responses={
                **_success(200, PhoneProofSerializer, "The code was right."),
                **_refusals(
                    *_OF_BODIES, "client_limit", "code_wrong", "code_expired", "attempts_exhausted", "guess_limit"
                ),
            },
        )
    },
    "VerificationView": {
        "get": extend_schema(
            operation_id="getVerification",
            summary="Get the state of a verification",
            tags=[TAG],
            responses=_STATUS,
        )
    },
    "VerificationByHeaderView": {
        "get": extend_schema(
            operation_id="getVerificationByHeader",
            summary="Get the state of a verification, without its id in the address",
            tags=[TAG],
            parameters=[OpenApiParameter("Verification-Id", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True)],
            responses=_STATUS,
        )
    },
    "CaptchaView": {
        "get": extend_schema(
            operation_id="getCaptcha",
            summary="Show a captcha",
            tags=[TAG],
            parameters=[OpenApiParameter("purpose", OpenApiTypes.STR, OpenApiParameter.QUERY, required=True)],
            responses={
                **_success(200, OpenApiTypes.OBJECT, "The captcha to show; its members depend on the kind."),
                **_refusals("invalid", "client_limit", "not_found", "sending_unavailable"),
            },
        )
    },
    "CaptchaFileView": {
        "get": extend_schema(
            operation_id="getCaptchaFile",
            summary="Get the picture or the recording of a captcha",
            tags=[TAG],
            parameters=[OpenApiParameter("file", OpenApiTypes.STR, OpenApiParameter.PATH, enum=["image", "audio"])],
            responses={
                (200, "image/png"): OpenApiResponse(OpenApiTypes.BINARY, description="The file."),
                (200, "audio/wav"): OpenApiResponse(OpenApiTypes.BINARY, description="The file."),
                **_refusals("client_limit", "not_found"),
            },
        )
    },
}


class _Description(OpenApiViewExtension):
    """Put the description on a subclass of the view, where drf-spectacular looks for it."""

    def view_replacement(self) -> Any:
        name = self.target.__name__
        return extend_schema_view(**_DESCRIPTIONS[name])(type(name, (self.target,), {"__doc__": self.target.__doc__}))


class SendCodeDescription(_Description):
    target_class = "django_ihuyi.api.views.SendCodeView"


class VerifyCodeDescription(_Description):
    target_class = "django_ihuyi.api.views.VerifyCodeView"


class VerificationDescription(_Description):
    target_class = "django_ihuyi.api.views.VerificationView"


class VerificationByHeaderDescription(_Description):
    target_class = "django_ihuyi.api.views.VerificationByHeaderView"


class CaptchaDescription(_Description):
    target_class = "django_ihuyi.api.views.CaptchaView"


class CaptchaFileDescription(_Description):
    target_class = "django_ihuyi.api.views.CaptchaFileView"


class CaptchaFieldDescription(OpenApiSerializerFieldExtension):
    """The answer to a captcha: texts by their names."""

    target_class = "django_ihuyi.api.serializers.CaptchaField"

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        return {
            "type": "object",
            "maxProperties": bodies.MAX_ANSWERS,
            "additionalProperties": {"type": "string", "maxLength": bodies.MAX_ANSWER},
        }
