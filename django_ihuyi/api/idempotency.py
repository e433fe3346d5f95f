"""Idempotency-Key: a repeated request does nothing twice and gets the first one's answer.

The database decides: a unique name gives one request the right to answer, and a conditional UPDATE stores its answer.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from django.db import Error, router
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from django_ihuyi import phones
from django_ihuyi.api.devices import MEMBER, Device
from django_ihuyi.api.fingerprints import find_fingerprints
from django_ihuyi.api.problems import refuse
from django_ihuyi.api.serializers import answer_verdict
from django_ihuyi.database import transactions
from django_ihuyi.exceptions import NumberRefused
from django_ihuyi.logs import get_logger
from django_ihuyi.models.idempotency_keys import IdempotencyKey
from django_ihuyi.verification import Verdict
from django_ihuyi.verification.verifying import repeat_right

HEADER = "Idempotency-Key"

#: Seconds after which a caller may repeat a request that is still being answered.
RETRY_AFTER = 1
#: The refusals that are stored, because the request had an effect: a guess is spent, the platform was called.
_STORED_REFUSALS = {"code_wrong", "number_refused"}
#: Members of an answer that are not stored: a repeated request names the number again, the others are made anew.
_BLANKED = {"phone", "proof", MEMBER}
#: Members of a problem that are written anew, in the language of the repeated request.
_WORDS = {"type", "title", "status", "detail"}
#: One request in 16 (by the first digit of its name) also deletes this many expired ones, so more go than come.
_PURGES, _PURGED = "0", 100

_KEY = re.compile(r"[\x21-\x7e]{1,255}")

Record = Callable[[Verdict], None]
Act = Callable[[Record | None], Response]

logger = get_logger("django_ihuyi.api")


@sensitive_variables()
def answer_once(request: Request, key: str, body: Mapping[str, Any], device: Device, act: Act) -> Response:
    """Return the response of `act`, or for the repetition of a request with the same Idempotency-Key the stored one.

    `body` is the validated one, without the device marks: since the first request the client may have got a newer one.
    `act` is called with a function that records a verdict in the transaction that counts the guess. Responses to
    requests that had an effect are stored. After any other response the key may be reused.
    """
    if not _KEY.fullmatch(key):
        raise ValidationError({HEADER: [_("Use 1 to 255 visible ASCII characters.")]}, code="invalid")
    fingerprints = find_fingerprints(request, key, body)
    using = router.db_for_write(IdempotencyKey)
    try:
        claimed = transactions.retry(lambda: _claim(fingerprints, body, device, using=using), using=using)
    except transactions.Contended:
        return _in_progress()
    return claimed if isinstance(claimed, Response) else claimed.answer(act)


class _Claim:
    """The right to answer a request until the lease ends."""

    def __init__(self, row: IdempotencyKey, device: Device, *, using: str) -> None:
        self.row = row
        self.device = device
        self.rows = IdempotencyKey.objects.using(using)
        self.stored = ""

    def answer(self, act: Act) -> Response:
        """Return the response of `act`, and store it if the request had an effect."""
        try:
            response = act(self.record)
        except _Overtaken:
            return _in_progress()
        except NumberRefused as error:
            # Answered here and not by the exception handler, because the platform was called: the answer is stored.
            response = refuse(error.code)
        except Exception:
            self._close(None)
            raise
        self._close(response)
        return response

    def record(self, verdict: Verdict) -> None:
        """Store the answer to a guess in the transaction that counts it, so that a crash cannot separate the two."""
        # Written even if it was stored before: a retry means that the first one was rolled back with the guess.
        if not self._store(answer_verdict(verdict, self.device)):
            raise _Overtaken

    def _close(self, response: Response | None) -> None:
        # The effect has happened, so the caller gets the response even if it cannot be stored; the lease then expires.
        try:
            if response is None or not _had_effect(response):
                self.rows.release(self.row)
            # `record` may have stored it already; if not, and the lease is lost, another request answers.
            elif (_to_text(response) == self.stored or self._store(response)) and self.row.name.startswith(_PURGES):
                self.rows.purge_expired(batch=_PURGED)
        except Error as error:
            reason = type(error).__name__
            logger.warning("the answer to an Idempotency-Key is not stored: the database fails with %s", reason)

    def _store(self, response: Response) -> bool:
        """Return False if the lease ran out and another request has the key now."""
        answer = _to_text(response)
        if not self.rows.finish(self.row, status=response.status_code, answer=answer):
            return False
        self.stored = answer
        return True


class _Overtaken(Exception):
    """The lease ran out during a guess, and another request has the key: the guess is rolled back."""


def _claim(
    fingerprints: Mapping[str, str], body: Mapping[str, Any], device: Device, *, using: str
) -> _Claim | Response:
    rows = IdempotencyKey.objects.using(using)
    row = rows.find(fingerprints)
    if row is None:
        name = next(iter(fingerprints))
        return _Claim(rows.open(name, fingerprint=fingerprints[name]), device, using=using)
    fingerprint = fingerprints[row.name]
    if row.is_over:
        rows.take_over(row, fingerprint=fingerprint)
        return _Claim(row, device, using=using)
    if not hmac.compare_digest(row.fingerprint, fingerprint):
        return refuse("idempotency_mismatch")
    if row.status is None:
        return _in_progress()
    return _REPEAT[row.status](json.loads(row.answer), body, device)


def _in_progress() -> Response:
    return refuse("idempotency_in_progress", retry_after=RETRY_AFTER)


def _had_effect(response: Response) -> bool:
    return response.status_code < status.HTTP_300_MULTIPLE_CHOICES or response.data["code"] in _STORED_REFUSALS


def _to_text(response: Response) -> str:
    # In a text column: a JSON column may change the order of members, and a repeated answer is the same to the byte.
    return json.dumps({name: "" if name in _BLANKED else value for name, value in response.data.items()})


def _repeat_issued(answer: Mapping[str, Any], body: Mapping[str, Any], device: Device) -> Response:
    return Response({**answer, "phone": phones.mask(body["phone"])}, status=status.HTTP_202_ACCEPTED)


def _repeat_right(answer: Mapping[str, Any], body: Mapping[str, Any], device: Device) -> Response:
    # With the member if the first answer had it, whatever this request has.
    return answer_verdict(repeat_right(body["verification_id"]), replace(device, is_answered=MEMBER in answer))


def _repeat_refusal(answer: Mapping[str, Any], body: Mapping[str, Any], device: Device) -> Response:
    return refuse(**{name: value for name, value in answer.items() if name not in _WORDS})


_REPEAT: Mapping[int, Callable[[Mapping[str, Any], Mapping[str, Any], Device], Response]] = {
    status.HTTP_202_ACCEPTED: _repeat_issued,
    status.HTTP_200_OK: _repeat_right,
    status.HTTP_400_BAD_REQUEST: _repeat_refusal,
}
