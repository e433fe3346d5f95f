"""The base class of the views: access, accepted requests, and refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import InterfaceError, InternalError, OperationalError, connections, transaction
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation
from rest_framework import exceptions, status
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from django_ihuyi.api.errors import handle_exception
from django_ihuyi.api.parsers import JSONOnly, StrictJSONParser, is_json
from django_ihuyi.api.throttling import throttle_client, throttle_user
from django_ihuyi.client_addresses import user_of
from django_ihuyi.conf import settings
from django_ihuyi.guards.cached_rates import api_request
from django_ihuyi.logs import get_logger

#: Exceptions of an authentication that do not mean that the credentials are wrong: the request is refused with them.
_NOT_OF_CREDENTIALS = (
    PermissionDenied,
    Http404,
    OperationalError,
    InterfaceError,
    InternalError,
    ImproperlyConfigured,
)

logger = get_logger("django_ihuyi.api")


class Endpoint(APIView):
    """Base class of our views. A host's REST_FRAMEWORK does not change them, except for its authentication.

    So a caller with a session must pass the CSRF check, and a caller without one needs no token.
    """

    permission_classes = [AllowAny]
    renderer_classes = [JSONRenderer]
    parser_classes = [StrictJSONParser]
    content_negotiation_class = JSONOnly
    versioning_class = None
    metadata_class = None

    #: The key of CLIENT_LIMITS. Empty: requests are not counted.
    throttle_scope = ""
    #: Wrong credentials count as none, so that an app with an expired token can still log in. False: they are refused.
    credentials_optional = True
    #: The problem that is answered when the database is out of reach.
    database_down = "unavailable"

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """Opt out of ATOMIC_REQUESTS on every database: its rollback would undo spent attempts and claims."""
        view = super().as_view(**initkwargs)
        for alias in connections:
            view = transaction.non_atomic_requests(using=alias)(view)
        return view

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer in the caller's language, also on a site without LocaleMiddleware."""
        language = getattr(request, "LANGUAGE_CODE", None) or translation.get_language_from_request(request)
        with translation.override(language), api_request():
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse wrong requests, count by client, authenticate, count by user, in this order; then the body is read."""
        _refuse_cross_site(request)
        if str(request.method).lower() not in self.http_method_names:
            self.http_method_not_allowed(request)
        if request.method == "POST" and not is_json(request.content_type):
            raise exceptions.UnsupportedMediaType(request.content_type)
        super().initial(request, *args, **kwargs)

    def perform_authentication(self, request: Request) -> None:
        """Count by client, then authenticate: credentials cost database queries, and a password costs its hash."""
        throttle_client(request, scope=self.throttle_scope)
        try:
            user_of(request)
        except Exception as error:  # an authentication of the host may raise any, as for a NUL in a name
            if not (self.credentials_optional and _mean_nothing(error)):
                raise
            if not isinstance(error, exceptions.APIException):
                # The class only: the text may quote the credentials.
                logger.warning("credentials are ignored: the authentication fails with %s", type(error).__name__)
            request._not_authenticated()  # type: ignore[attr-defined]  # REST framework does so for its own exceptions

    def check_throttles(self, request: Request) -> None:
        """Count by our own limits, not by a host's throttle classes."""
        throttle_user(request, scope=self.throttle_scope)

    def get_exception_handler(self) -> Callable[..., Any]:
        return handle_exception

    @property
    def default_response_headers(self) -> dict[str, str]:
        return {"Cache-Control": "no-store"}


def _refuse_cross_site(request: Request) -> None:
    """Refuse requests that a page of another site makes its visitors' browsers send (Fetch Metadata)."""
    if request.META.get("HTTP_SEC_FETCH_SITE") != "cross-site":
        return
    if request.META.get("HTTP_ORIGIN") not in settings.CROSS_SITE_ORIGINS:
        raise exceptions.PermissionDenied(code="cross_site")


def _mean_nothing(error: Exception) -> bool:
    """Return True if an authentication raised the exception because of wrong credentials."""
    if isinstance(error, exceptions.APIException):
        # By the classes too: a host may answer them with another status, so that browsers show no login.
        refused = isinstance(error, (exceptions.AuthenticationFailed, exceptions.NotAuthenticated))
        return refused or error.status_code == status.HTTP_401_UNAUTHORIZED
    return not isinstance(error, _NOT_OF_CREDENTIALS)
