"""What the API answers when all went well, and what a guess comes to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any

from rest_framework import status
from rest_framework.response import Response

from django_ihuyi import phones
from django_ihuyi.api.problems import refuse
from django_ihuyi.verification import IssuedCode, Status, Verdict, VerdictOutcome


def answer_issued(issued: IssuedCode) -> Response:
    """Answer send-code: 202, because what a phone receives is known later."""
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


def answer_verdict(verdict: Verdict) -> Response:
    """Answer verify-code."""
    return _VERDICTS[verdict.outcome](verdict)


def answer_status(found: Status) -> Response:
    """Answer verifications/<id>/."""
    body: dict[str, Any] = {
        "state": found.state,
        "delivery": found.delivery,
        "phone": phones.mask(found.phone),
        "purpose": found.purpose,
        "expires_in": found.expires_in,
        "resend_in": found.resend_in,
        "attempts_left": found.attempts_left,
    }
    return Response(body)


def _answer_right(verdict: Verdict) -> Response:
    body = {
        "proof": verdict.proof,
        "phone": verdict.phone,
        "purpose": verdict.purpose,
        "expires_in": verdict.expires_in,
    }
    return Response(body)


_VERDICTS: Mapping[VerdictOutcome, Callable[[Verdict], Response]] = {
    VerdictOutcome.RIGHT: _answer_right,
    VerdictOutcome.WRONG: lambda verdict: refuse("code_wrong", attempts_left=verdict.attempts_left),
    VerdictOutcome.EXPIRED: lambda verdict: refuse("code_expired"),
    VerdictOutcome.EXHAUSTED: lambda verdict: refuse("attempts_exhausted"),
    VerdictOutcome.LIMITED: lambda verdict: refuse("guess_limit", retry_after=verdict.retry_after),
}


def _to_text(moment: datetime) -> str:
    """Return a time of the database, which is in UTC, as RFC 3339 to the second."""
    return moment.replace(microsecond=0, tzinfo=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
