"""The bodies of requests and of successful answers. Fields parse and refuse, without side effects."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers, status
from rest_framework.response import Response

from django_ihuyi import phones
from django_ihuyi.api.devices import Device, DeviceField, hand_out
from django_ihuyi.api.problems import refuse
from django_ihuyi.conf import settings
from django_ihuyi.exceptions import InvalidPhone
from django_ihuyi.verification import IssuedCode, Status, Verdict, VerdictOutcome

#: The channels that a caller may choose, if they are set up; all others are for the host's own code.
PUBLIC_CHANNELS = ("sms", "voice")

#: Bounds of an answer to a captcha: members, characters of a name and of a text. GeeTest's has five members of up to a
#: thousand characters.
MAX_ANSWERS, MAX_NAME, MAX_ANSWER = 8, 32, 4096

_SPELLING = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}", re.IGNORECASE)


class TextField(serializers.CharField):
    """A text. Unlike DRF's CharField, it refuses numbers instead of converting them."""

    default_error_messages = {
        "required": _("This field is required."),
        "null": _("This field must not be null."),
        "blank": _("This field must not be empty."),
        "max_length": _("This text is too long."),
        "invalid": _("Enter a text."),
    }

    def to_internal_value(self, data: object) -> Any:
        if not isinstance(data, str):
            self.fail("invalid")
        return self.parse(data.strip())

    def parse(self, text: str) -> Any:
        return text


class PhoneField(TextField):
    """A phone as people type it; the validated value is canonical."""

    default_error_messages = {"invalid": _("Enter a mobile number.")}

    def parse(self, text: str) -> str:
        try:
            return phones.parse(text)
        except InvalidPhone:
            self.fail("invalid")


class PurposeField(TextField):
    """One of the host's PURPOSES."""

    default_error_messages = {"invalid_choice": _("This purpose is not known.")}

    def parse(self, text: str) -> str:
        if text not in settings.PURPOSES:
            self.fail("invalid_choice")
        return text


class ChannelField(TextField):
    """One of PUBLIC_CHANNELS that the host has set up."""

    default_error_messages = {"invalid_choice": _("This channel is not available.")}

    def parse(self, text: str) -> str:
        if text not in PUBLIC_CHANNELS or text not in settings.CHANNELS:
            self.fail("invalid_choice")
        return text


class VerificationIdField(TextField):
    """The id of a verification, with or without hyphens."""

    default_error_messages = {"invalid": _("This is not the id of a verification.")}

    def parse(self, text: str) -> str:
        verification_id = parse_verification_id(text)
        if verification_id is None:
            self.fail("invalid")
        return verification_id


class CodeField(TextField):
    """A code as people type it: full-width digits and blanks are accepted."""

    def parse(self, text: str) -> str:
        return unicodedata.normalize("NFKC", text).replace(" ", "")


class CaptchaField(serializers.Field[Any, Any, Any, Any]):
    """The answer to a captcha: a few short texts by name."""

    default_error_messages = {"invalid": _("Enter the answer to the captcha: an object of a few short texts.")}

    def to_internal_value(self, data: object) -> dict[str, str]:
        if not isinstance(data, dict) or len(data) > MAX_ANSWERS:
            self.fail("invalid")
        for name, text in data.items():
            if not isinstance(text, str) or len(name) > MAX_NAME or len(text) > MAX_ANSWER or not text.isprintable():
                self.fail("invalid")
        return data


class SendCodeSerializer(serializers.Serializer[Any]):
    """Request body of send-code."""

    phone = PhoneField()
    purpose = PurposeField()
    verification_id = VerificationIdField(required=False, allow_null=True, default=None)
    channel = ChannelField(default="sms")
    captcha = CaptchaField(required=False, allow_null=True, default=None)
    device = DeviceField()


class CaptchaSerializer(serializers.Serializer[Any]):
    """Query of captcha."""

    purpose = PurposeField()


class VerifyCodeSerializer(serializers.Serializer[Any]):
    """Request body of verify-code."""

    verification_id = VerificationIdField()
    code = CodeField(max_length=32)
    device = DeviceField()


def parse_verification_id(text: str) -> str | None:
    """Return an id, written with or without a UUID's hyphens, as 32 digits; None if `text` is not an id."""
    return text.replace("-", "").lower() if _SPELLING.fullmatch(text) else None


def answer_issued(issued: IssuedCode) -> Response:
    """Return the answer of send-code. Its status is 202, because delivery is known later."""
    body = {
        "verification_id": issued.verification_id,
        "phone": phones.mask(issued.phone),
        "purpose": issued.purpose,
        "channel": issued.channel,
        "code_length": issued.code_length,
        "expires_at": _to_text(issued.expires_at),
        "expires_in": issued.expires_in,
        "resend_at": _to_text(issued.resend_at),
        "resend_in": issued.resend_in,
    }
    return Response(body, status=status.HTTP_202_ACCEPTED)


def answer_verdict(verdict: Verdict, device: Device) -> Response:
    """Return the answer of verify-code."""
    if verdict.outcome is VerdictOutcome.RIGHT:
        return hand_out(_answer_right(verdict), verdict, device)
    return _REFUSALS[verdict.outcome](verdict)


def answer_status(found: Status) -> Response:
    """Return the answer of verifications/<id>/."""
    return Response(
        {
            "state": found.state,
            "delivery": found.delivery,
            "phone": phones.mask(found.phone),
            "purpose": found.purpose,
            "expires_in": found.expires_in,
            "resend_in": found.resend_in,
            "attempts_left": found.attempts_left,
        }
    )


def _answer_right(verdict: Verdict) -> Response:
    body = {"proof": verdict.proof, "phone": verdict.phone, "purpose": verdict.purpose}
    return Response({**body, "expires_in": verdict.expires_in})


_REFUSALS: Mapping[VerdictOutcome, Callable[[Verdict], Response]] = {
    VerdictOutcome.WRONG: lambda verdict: refuse("code_wrong", attempts_left=verdict.attempts_left),
    VerdictOutcome.EXPIRED: lambda verdict: refuse("code_expired"),
    VerdictOutcome.EXHAUSTED: lambda verdict: refuse("attempts_exhausted"),
    VerdictOutcome.LIMITED: lambda verdict: refuse("guess_limit", retry_after=verdict.retry_after),
}


def _to_text(moment: datetime) -> str:
    """Return a time of the database, which is in UTC, as RFC 3339 to the second."""
    return moment.replace(microsecond=0, tzinfo=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
