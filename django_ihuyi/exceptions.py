"""Every error that django_ihuyi raises on purpose, in one tree.

IhuyiError
├── InvalidPhone (ValueError)       not a phone number that we send to
├── UnknownPurpose (ValueError)     a purpose that the PURPOSES setting does not name
├── UnavailableChannel (ValueError) a channel that CHANNELS does not name, or that cannot reach this phone now
├── UnknownTemplate (ValueError)    a template that the TEMPLATES setting does not name
├── InvalidProof (ValueError)       forged, expired, redeemed, or made for something else
├── BatchChanged (ValueError)       a batch of this name has other rows
├── InvalidAnswer (ValueError)      the platform's answer is not what it documents
└── NotSent                         no message left; `code` says why
    ├── LimitReached                come back in `retry_after` seconds
    ├── OptedOut                    the phone asked for no more advertisements
    ├── NumberRefused               the platform says that the number does not exist
    ├── CaptchaRequired             solve the captcha in `challenge`, and ask again with the answer
    ├── CaptchaFailed               the answer was wrong, late or used before; `challenge` is a new captcha
    └── SendingUnavailable          platform unreachable, or refusing us; `retry_after` seconds

Misconfiguration is not in it: that is Django's ImproperlyConfigured. Texts never hold a code, a key or a whole number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = [
    "BatchChanged",
    "CaptchaFailed",
    "CaptchaRequired",
    "IhuyiError",
    "InvalidAnswer",
    "InvalidPhone",
    "InvalidProof",
    "LimitReached",
    "NotSent",
    "NumberRefused",
    "OptedOut",
    "SendingUnavailable",
    "UnavailableChannel",
    "UnknownPurpose",
    "UnknownTemplate",
]


class IhuyiError(Exception):
    """The base class of every error that this package raises on purpose."""

    #: A stable slug, the same as in the REST answers.
    code = "error"


class InvalidPhone(IhuyiError, ValueError):
    """The text is not a phone number that we send to."""

    code = "invalid"


class UnknownPurpose(IhuyiError, ValueError):
    """The PURPOSES setting does not name this purpose."""

    code = "invalid"


class UnavailableChannel(IhuyiError, ValueError):
    """The CHANNELS setting does not name this channel, or the channel cannot reach this phone with this message."""

    code = "invalid"


class UnknownTemplate(IhuyiError, ValueError):
    """The TEMPLATES setting does not name this template."""

    code = "invalid"


class InvalidProof(IhuyiError, ValueError):
    """The proof is forged, expired, already redeemed, or made for another purpose."""

    code = "proof_invalid"


class BatchChanged(IhuyiError, ValueError):
    """A batch of this name was begun with other rows, so its sent and unsent rows cannot be told apart."""

    code = "batch_changed"


class InvalidAnswer(IhuyiError, ValueError):
    """The platform's answer is not what its documents say; whether it took the message is unknown."""

    code = "answer_invalid"


class NotSent(IhuyiError):
    """No message left; nothing was charged to the caller but the time."""

    code = "not_sent"


class LimitReached(NotSent):
    """A limit, named by `code`, refuses messages for another `retry_after` seconds."""

    def __init__(self, code: str, *, retry_after: int) -> None:
        super().__init__(f"{code}: try again in {retry_after} seconds")
        self.code = code
        self.retry_after = retry_after


class OptedOut(NotSent):
    """The phone asked for no more advertisements (a reply T, TD or 退订)."""

    code = "opted_out"


class NumberRefused(NotSent):
    """The platform refuses the number as one that does not exist."""

    code = "number_refused"


class CaptchaRequired(NotSent):
    """A captcha must be solved first. Show `challenge`, which can be written as JSON."""

    code = "captcha_required"

    def __init__(self, challenge: Mapping[str, Any]) -> None:
        super().__init__("a captcha must be solved first: show `challenge`, and ask again with the answer")
        self.challenge = challenge


class CaptchaFailed(NotSent):
    """The captcha was answered wrongly, too late, twice, or by another client. `challenge` is a new one."""

    code = "captcha_failed"

    def __init__(self, challenge: Mapping[str, Any]) -> None:
        super().__init__("the captcha was not solved: show `challenge`, which is a new one, and ask again")
        self.challenge = challenge


class SendingUnavailable(NotSent):
    """The platform cannot be reached, or refuses the account. Try again in `retry_after` seconds."""

    code = "sending_unavailable"

    def __init__(self, *, retry_after: int) -> None:
        super().__init__(f"sending is not possible now: try again in {retry_after} seconds; the logs say why")
        self.retry_after = retry_after
