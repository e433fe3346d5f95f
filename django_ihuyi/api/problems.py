"""Refusals in REST answers: problem details (RFC 9457) with a stable `code`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http.client import responses
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from rest_framework.response import Response

CONTENT_TYPE = "application/problem+json"

#: Titles by status: with the type "about:blank" a title says no more than the status (RFC 9457, section 4.2.1).
TITLES: Mapping[int, str | Promise] = {
    400: _("Bad request"),
    403: _("Forbidden"),
    404: _("Not found"),
    405: _("Method not allowed"),
    409: _("Conflict"),
    413: _("Content too large"),
    415: _("Unsupported media type"),
    422: _("Unprocessable content"),
    429: _("Too many requests"),
    503: _("Service unavailable"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A kind of refusal: its status, and a text for people."""

    status: int
    detail: str | Promise


#: Every code that the API answers with (docs/reference/rest).
PROBLEMS: Mapping[str, Problem] = {
    "invalid": Problem(status=400, detail=_("Some fields are missing or wrong.")),
    "code_wrong": Problem(status=400, detail=_("The code is wrong. Check it and try again.")),
    "code_expired": Problem(status=400, detail=_("The code is no longer valid. Ask for a new one.")),
    "attempts_exhausted": Problem(status=400, detail=_("Too many wrong codes. Ask for a new one.")),
    "number_refused": Problem(status=400, detail=_("No message can be sent to this number. Check it.")),
    "captcha_required": Problem(status=403, detail=_("Solve the captcha first.")),
    "captcha_failed": Problem(status=403, detail=_("The captcha was not solved. Solve the new one.")),
    "cross_site": Problem(status=403, detail=_("Requests from pages of other sites are not accepted.")),
    "permission_denied": Problem(status=403, detail=_("You are not allowed to do this.")),
    "not_found": Problem(status=404, detail=_("There is no such verification.")),
    "method_not_allowed": Problem(status=405, detail=_("This address does not know the method.")),
    "idempotency_in_progress": Problem(
        status=409, detail=_("The first request with this key is still being answered. Repeat it in a moment.")
    ),
    "idempotency_mismatch": Problem(
        status=422, detail=_("This key belongs to a request that said something else. Take a new one.")
    ),
    "too_large": Problem(status=413, detail=_("The body is too large.")),
    "unsupported_media_type": Problem(status=415, detail=_("Send JSON, as application/json in UTF-8.")),
    "resend_too_soon": Problem(status=429, detail=_("A message was sent only just now. Wait before the next one.")),
    "number_limit": Problem(status=429, detail=_("Too many messages to this number. Try again later.")),
    "guess_limit": Problem(status=429, detail=_("Too many wrong codes for this number. Try again later.")),
    "client_limit": Problem(status=429, detail=_("Too many requests. Try again later.")),
    "global_limit": Problem(status=429, detail=_("Too many people ask at the moment. Try again later.")),
    "sending_unavailable": Problem(status=503, detail=_("No messages can be sent at the moment. Try again later.")),
    "unavailable": Problem(status=503, detail=_("The service is not available at the moment. Try again later.")),
}

#: For exceptions of a host's own authentication with a code of its own.
_UNLISTED = Problem(status=400, detail=_("The request was refused."))


def refuse(
    code: str,
    *,
    status: int | None = None,
    detail: str | None = None,
    retry_after: int | None = None,
    headers: Mapping[str, str] | None = None,
    **members: object,
) -> Response:
    """Return the answer with the problem `code`, in the active language, and with further `members`.

    `status` and `detail` replace those of the problem; `retry_after` goes into both the body and the header.
    """
    problem = PROBLEMS.get(code, _UNLISTED)
    status = status or problem.status
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": str(TITLES.get(status, responses.get(status, ""))),
        "status": status,
        "detail": detail or str(problem.detail),
        "code": code,
        **members,
    }
    headers = {**(headers or {}), "Content-Language": get_language() or "en", "Vary": "Accept-Language"}
    if retry_after is not None:
        body["retry_after"] = retry_after
        headers["Retry-After"] = str(retry_after)
    return Response(body, status=status, headers=headers, content_type=CONTENT_TYPE)
