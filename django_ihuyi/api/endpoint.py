"""The base class of the views: access, accepted requests, and refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connections, transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation
from rest_framework.exceptions import PermissionDenied, UnsupportedMediaType
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from django_ihuyi.api.errors import handle_exception
from django_ihuyi.api.parsers import JSONOnly, StrictJSONParser, is_json
from django_ihuyi.api.throttling import throttle_client, throttle_user
from django_ihuyi.conf import settings
from django_ihuyi.guards.cached_rates import one_timeout


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
        with translation.override(language), one_timeout():
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse wrong requests before they are counted, then authenticate and count; the body is read after that."""
        _refuse_cross_site(request)
        if str(request.method).lower() not in self.http_method_names:
            self.http_method_not_allowed(request)
        if request.method == "POST" and not is_json(request.content_type):
            raise UnsupportedMediaType(request.content_type)
        super().initial(request, *args, **kwargs)

    def check_throttles(self, request: Request) -> None:
        """Count by our own limits, not by a host's throttle classes."""
        throttle_client(request, scope=self.throttle_scope)
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
        raise PermissionDenied(code="cross_site")
