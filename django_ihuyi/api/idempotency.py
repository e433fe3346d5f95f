"""Idempotency-Key: a request that is repeated because its answer was lost does nothing twice, and is answered the same.

The database judges, as with all that must happen once: a unique name says who may answer, a conditional UPDATE whose
answer is kept.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

from django.db import Error, router
from django.views.decorators.debug import sensitive_variables
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from django_ihuyi import phones
from django_ihuyi.api.answers import answer_verdict
from django_ihuyi.api.fingerprints import find_fingerprints, read_key
from django_ihuyi.api.problems import refuse
from django_ihuyi.database import optimistic_retry
from django_ihuyi.exceptions import NumberRefused
from django_ihuyi.logs import get_logger
from django_ihuyi.models.idempotency_keys import IdempotencyKey
from django_ihuyi.verification import Verdict
from django_ihuyi.verification.verifying import repeat_right

#: Seconds after which a caller may repeat a request that is still being answered.
RETRY_AFTER = 1
#: The refusals that are kept, because something was done: a guess is spent, the platform was asked.
_KEPT_REFUSALS = {"code_wrong", "number_refused"}
#: Members of an answer that are not kept; whoever repeats the request names the number, and the proof is made anew.
_BLANKED = {"phone", "proof"}
#: Members of a problem that are written anew, in the language of whoever repeats the request.
_WORDS = {"type", "title", "status", "detail"}
#: One claim in 16, by the first digit of its name, also takes away so many expired ones: more than come to it.
_TIDY, _TIDIED = "0", 100

Record = Callable[[Verdict], None]
Act = Callable[[Record | None], Response]

logger = get_logger("django_ihuyi.api")


@sensitive_variables()
def answer_once(request: Request, body: Mapping[str, Any], act: Act) -> Response:
    """Return what `act` answers; to the repetition of a request with an Idempotency-Key, what was answered before.

    `body` is the validated one. `act` is handed what a verdict is to be recorded with, in the transaction that makes
    it. Kept is the answer to a request that did something; after any other answer the key is as good as new.
    """
    key = read_key(request)
    if key is None:
        return act(None)
    fingerprints = find_fingerprints(request, key, body)
    using = router.db_for_write(IdempotencyKey)
    try:
        claimed = optimistic_retry.run(lambda: _claim(fingerprints, body, using=using), using=using)
    except optimistic_retry.Contended:
        return _in_progress()
    return claimed if isinstance(claimed, Response) else claimed.answer(act)


class _Claim:
    """The right to answer a request, for as long as the lease runs."""

    def __init__(self, stored: IdempotencyKey, *, using: str) -> None:
        self.stored = stored
        self.rows = IdempotencyKey.objects.using(using)
        self.kept = ""

    def answer(self, act: Act) -> Response:
        """Return what `act` answers, and keep it if it is one to keep."""
        try:
            response = act(self.record)
        except _Overtaken:
            return _in_progress()
        except NumberRefused as error:
            response = refuse(error.code)
        except Exception:
            self._close(None)
            raise
        self._close(response)
        return response

    def record(self, verdict: Verdict) -> None:
        """Keep the answer to a guess together with its count, so that not even a crash can come between the two."""
        # Always written, also if it was before: that may have been rolled back with the guess.
        if not self._write(answer_verdict(verdict)):
            raise _Overtaken

    def _close(self, response: Response | None) -> None:
        # What was done is done: an answer that cannot be kept is the answer all the same, and the lease ends by itself.
        try:
            if response is None or not _is_kept(response):
                self.rows.release(self.stored)
            elif self._keep(response) and self.stored.name.startswith(_TIDY):
                self.rows.purge_expired(batch=_TIDIED)
        except Error as error:
            logger.warning("an answer is not kept: the database fails with %s", type(error).__name__)

    def _keep(self, response: Response) -> bool:
        """Return whether the answer is kept; False if the lease ran out and somebody else answers now."""
        return _to_text(response) == self.kept or self._write(response)

    def _write(self, response: Response) -> bool:
        answer = _to_text(response)
        if not self.rows.finish(self.stored, status=response.status_code, answer=answer):
            return False
        self.kept = answer
        return True


class _Overtaken(Exception):
    """The lease ran out during a guess, and somebody else has the key: the guess is given back."""


def _claim(fingerprints: Mapping[str, str], body: Mapping[str, Any], *, using: str) -> _Claim | Response:
    rows = IdempotencyKey.objects.using(using)
    stored = rows.find(fingerprints)
    if stored is None:
        name = next(iter(fingerprints))
        return _Claim(rows.open(name, fingerprint=fingerprints[name]), using=using)
    fingerprint = fingerprints[stored.name]
    if stored.is_over:
        rows.take_over(stored, fingerprint=fingerprint)
        return _Claim(stored, using=using)
    if not hmac.compare_digest(stored.fingerprint, fingerprint):
        return refuse("idempotency_mismatch")
    if stored.status is None:
        return _in_progress()
    return _REPEAT[stored.status](json.loads(stored.answer), body)


def _in_progress() -> Response:
    return refuse("idempotency_in_progress", retry_after=RETRY_AFTER)


def _is_kept(response: Response) -> bool:
    return response.status_code < status.HTTP_300_MULTIPLE_CHOICES or response.data["code"] in _KEPT_REFUSALS


def _to_text(response: Response) -> str:
    # As text, because a database's own JSON forgets the order, and a repeated answer is the same to the byte.
    return json.dumps({name: "" if name in _BLANKED else value for name, value in response.data.items()})


def _repeat_issued(kept: Mapping[str, Any], body: Mapping[str, Any]) -> Response:
    return Response({**kept, "phone": phones.mask(body["phone"])}, status=status.HTTP_202_ACCEPTED)


def _repeat_right(kept: Mapping[str, Any], body: Mapping[str, Any]) -> Response:
    return answer_verdict(repeat_right(body["verification_id"]))


def _repeat_refusal(kept: Mapping[str, Any], body: Mapping[str, Any]) -> Response:
    return refuse(**{name: value for name, value in kept.items() if name not in _WORDS})


_REPEAT: Mapping[int, Callable[[Mapping[str, Any], Mapping[str, Any]], Response]] = {
    status.HTTP_202_ACCEPTED: _repeat_issued,
    status.HTTP_200_OK: _repeat_right,
    status.HTTP_400_BAD_REQUEST: _repeat_refusal,
}
