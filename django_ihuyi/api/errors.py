"""Translate exceptions into problem details, in our own views only: a host keeps its exception handler."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import singledispatch
from math import ceil
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, InternalError, OperationalError
from django.http import Http404
from django.utils.functional import Promise
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import APIView

from django_ihuyi.api.problems import refuse
from django_ihuyi.exceptions import (
    CaptchaFailed,
    CaptchaRequired,
    InvalidPhone,
    LimitReached,
    NumberRefused,
    SendingUnavailable,
    UnavailableChannel,
    UnknownPurpose,
)
from django_ihuyi.logs import get_logger

#: Seconds after which a caller may try again when the database is out of reach, or the host does not say when.
RETRY_AFTER = 5
#: Longest text that is taken over from an exception of the host, in characters.
MAX_DETAIL = 300

_NOT_JSON = _("The body must be one JSON object: no key twice, no NaN, not nested deep.")
_INVALID = _("This value is not valid.")

#: The member of the body that the refused argument came from.
_FIELDS = {InvalidPhone: "phone", UnknownPurpose: "purpose", UnavailableChannel: "channel"}

logger = get_logger("django_ihuyi.api")


def handle_exception(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Return the answer to an exception, or None for an unexpected one, which DRF raises again."""
    return _answer(error, context["view"])


@singledispatch
def _answer(error: Exception, view: APIView) -> Response | None:
    return None


@_answer.register(LimitReached)
@_answer.register(SendingUnavailable)
def _answer_later(error: LimitReached | SendingUnavailable, view: APIView) -> Response:
    return refuse(error.code, retry_after=error.retry_after)


@_answer.register
def _answer_number(error: NumberRefused, view: APIView) -> Response:
    return refuse(error.code)


@_answer.register(CaptchaRequired)
@_answer.register(CaptchaFailed)
def _answer_captcha(error: CaptchaRequired | CaptchaFailed, view: APIView) -> Response:
    return refuse(error.code, captcha=error.challenge)


@_answer.register(OperationalError)
@_answer.register(InterfaceError)
@_answer.register(InternalError)  # PostgreSQL's, once it has become read-only
def _answer_database(error: Exception, view: APIView) -> Response:
    # The class only: the text of a database error may quote a row, and so a number.
    logger.error("%s: the database fails with %s", type(view).__name__, type(error).__name__)
    return refuse(getattr(view, "database_down", "unavailable"), retry_after=RETRY_AFTER)


@_answer.register(InvalidPhone)
@_answer.register(UnknownPurpose)
@_answer.register(UnavailableChannel)
def _answer_argument(error: InvalidPhone | UnknownPurpose | UnavailableChannel, view: APIView) -> Response:
    return _refuse_fields([{"field": _FIELDS[type(error)], "code": "invalid", "detail": str(_INVALID)}])


@_answer.register
def _answer_missing(error: Http404, view: APIView) -> Response:
    return refuse("not_found")


@_answer.register
def _answer_denied(error: PermissionDenied, view: APIView) -> Response:
    return refuse("permission_denied")


@_answer.register
def _answer_framework(error: exceptions.APIException, view: APIView) -> Response:
    credentials = getattr(error, "auth_header", "")
    # A text that is not DRF's default says more than ours: which part of a token is wrong, why a CSRF check failed.
    own = error.detail != error.default_detail
    return refuse(
        # Only a text has a code; the codes of a list or of a dict are many.
        str(getattr(error.detail, "code", None) or error.default_code),
        status=error.status_code,
        detail=_find_sentence(error.detail) if own else None,
        retry_after=_find_wait(error),
        headers={"WWW-Authenticate": credentials} if credentials else {},
    )


@_answer.register
def _answer_method(error: exceptions.MethodNotAllowed, view: APIView) -> Response:
    return refuse("method_not_allowed", headers={"Allow": ", ".join(view.allowed_methods)})


@_answer.register
def _answer_media_type(error: exceptions.UnsupportedMediaType, view: APIView) -> Response:
    return refuse("unsupported_media_type")


@_answer.register
def _answer_body(error: exceptions.ParseError, view: APIView) -> Response:
    return _refuse_fields([{"field": "", "code": "json", "detail": str(_NOT_JSON)}])


@_answer.register
def _answer_fields(error: exceptions.ValidationError, view: APIView) -> Response:
    return _refuse_fields(list(_flatten(error.detail)))


def _refuse_fields(errors: Sequence[Mapping[str, str]]) -> Response:
    return refuse("invalid", errors=errors)


def _find_wait(error: exceptions.APIException) -> int | None:
    """Return the seconds for Retry-After, which a caller that shall come back later always gets."""
    wait: float | None = getattr(error, "wait", None)
    if wait:
        return ceil(wait)
    return RETRY_AFTER if error.status_code in (429, 503) else None


def _find_sentence(detail: object) -> str | None:
    """Return one text of an exception's detail, which may be nested; None if it has none."""
    found = [text for text in _flatten(detail) if text["field"] != "code"]
    # Where there are several, DRF's own name for the text that people read comes first.
    return min(found, key=lambda text: text["field"] != "detail")["detail"] if found else None


def _flatten(detail: object, field: str = "") -> Iterator[dict[str, str]]:
    """Yield each text of an exception's detail, with the name of the member that it is in."""
    if isinstance(detail, Mapping):
        for name, value in detail.items():
            yield from _flatten(value, str(name))
    elif isinstance(detail, (list, tuple)):
        for value in detail:
            yield from _flatten(value, field)
    elif isinstance(detail, (str, Promise)) and (text := " ".join(str(detail).split())):
        code = str(getattr(detail, "code", None) or "invalid")
        yield {"field": field, "code": code, "detail": Truncator(text).chars(MAX_DETAIL)}
