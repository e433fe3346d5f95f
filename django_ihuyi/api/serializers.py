"""What a request may say: fields that parse and refuse, without side effects."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from django_ihuyi import phones
from django_ihuyi.conf import settings
from django_ihuyi.exceptions import InvalidPhone

#: The channels that a stranger may choose, if they are set up; any other is the host's own choice.
PUBLIC_CHANNELS = ("sms", "voice")

#: Of the answer to a captcha: members, and characters of a name and of a text. GeeTest's has five, of up to a thousand.
MAX_ANSWERS, MAX_NAME, MAX_ANSWER = 8, 32, 4096

_SPELLING = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}", re.IGNORECASE)


class TextField(serializers.CharField):
    """Text, and only text: no number turned into some."""

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
    """A phone as people type it; becomes canonical."""

    default_error_messages = {"invalid": _("Enter a mobile number.")}

    def parse(self, text: str) -> str:
        try:
            return phones.parse(text)
        except InvalidPhone:
            self.fail("invalid")


class PurposeField(TextField):
    """One of the purposes that the host has named."""

    default_error_messages = {"invalid_choice": _("This purpose is not known.")}

    def parse(self, text: str) -> str:
        if text not in settings.PURPOSES:
            self.fail("invalid_choice")
        return text


class ChannelField(TextField):
    """One of the channels that are set up and open to strangers."""

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
    """The digits as people type them: full-width ones and blanks between are forgiven."""

    def parse(self, text: str) -> str:
        return unicodedata.normalize("NFKC", text).replace(" ", "")


class CaptchaField(serializers.Field[Any, Any, Any, Any]):
    """The answer to a captcha: a few short texts by their names."""

    default_error_messages = {"invalid": _("Enter the answer to the captcha: an object of a few short texts.")}

    def to_internal_value(self, data: object) -> dict[str, str]:
        if not isinstance(data, dict) or len(data) > MAX_ANSWERS:
            self.fail("invalid")
        for name, text in data.items():
            if not isinstance(text, str) or len(name) > MAX_NAME or len(text) > MAX_ANSWER or not text.isprintable():
                self.fail("invalid")
        return data


class SendCodeSerializer(serializers.Serializer[Any]):
    """The body of send-code."""

    phone = PhoneField()
    purpose = PurposeField()
    verification_id = VerificationIdField(required=False, allow_null=True, default=None)
    channel = ChannelField(default="sms")
    captcha = CaptchaField(required=False, allow_null=True, default=None)


class CaptchaSerializer(serializers.Serializer[Any]):
    """The query of captcha."""

    purpose = PurposeField()


class VerifyCodeSerializer(serializers.Serializer[Any]):
    """The body of verify-code."""

    verification_id = VerificationIdField()
    code = CodeField(max_length=32)


def parse_verification_id(text: str) -> str | None:
    """Return the id that `text` spells, with or without a UUID's hyphens, as 32 digits; None if it spells none."""
    return text.replace("-", "").lower() if _SPELLING.fullmatch(text) else None
