"""Translate exceptions into problem details, in our own views only: a host keeps its exception handler."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import singledispatch
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, InternalError, OperationalError
from django.http import Http404
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

#: Seconds after which a caller may try again when the database is out of reach.
DATABASE_RETRY_AFTER = 5

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
    return refuse(getattr(view, "database_down", "unavailable"), retry_after=DATABASE_RETRY_AFTER)


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
    code = error.get_codes()
    credentials = getattr(error, "auth_header", "")
    # A text that is not DRF's default says more than ours: which part of a token is wrong, why a CSRF check failed.
    own = error.detail != error.default_detail
    return refuse(
        code if isinstance(code, str) else error.default_code,
        status=error.status_code,
        detail=str(error.detail) if own else None,
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
    by_field: Any = error.detail
    return _refuse_fields(
        [
            {"field": field, "code": detail.code, "detail": str(detail)}
            for field, details in by_field.items()
            for detail in details
        ]
    )


def _refuse_fields(errors: Sequence[Mapping[str, str]]) -> Response:
    return refuse("invalid", errors=errors)
