"""Access control of the webhooks: a secret, and the networks of WEBHOOK_ADDRESSES. Anyone else gets a 404.

The platform does not sign its requests, so a secret in the URL or in basic authentication stands in for a signature.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import re

from django.http import HttpRequest
from django.urls import Resolver404
from django.urls.converters import PathConverter, StringConverter
from django.views.decorators.debug import sensitive_variables

from django_ihuyi.client_addresses import find_address
from django_ihuyi.conf import settings
from django_ihuyi.logs import get_logger

#: Characters of 32 random bytes in URL-safe base64.
MIN_LENGTH = 43
_FORM = re.compile(r"[A-Za-z0-9_-]+")
#: A shorter secret is ignored even if the checks, which ask for MIN_LENGTH, were never run.
_LEAST = 32

#: Variables that may hold a secret with a typo in any spelling.
_WRITTEN_BY_CALLER = {"RAW_URI", "REQUEST_URI", "QUERY_STRING", "HTTP_AUTHORIZATION"}

#: Replaces a secret in what logs and error reports read.
MASK = "***"

logger = get_logger("django_ihuyi.webhooks")


class KnownSecret(StringConverter):
    """A part of a URL that is one of WEBHOOK_SECRETS; with any other text the URL does not resolve."""

    def to_python(self, value: str) -> str:
        """Return a mask instead of the secret; raise ValueError, on which the resolver tries the next pattern."""
        if not is_known(value):
            raise ValueError("not one of WEBHOOK_SECRETS")
        return MASK


class AnyRest(PathConverter):
    """The rest of a URL, line breaks included. It may be a secret with a typo, so views get a mask."""

    regex = "(?s:.+)"

    def to_python(self, value: str) -> str:  # noqa: ARG002
        return MASK


class MisplacedSecret(AnyRest):
    """The rest of a URL that has one of WEBHOOK_SECRETS between two slashes; other URLs are not ours."""

    def to_python(self, value: str) -> str:
        if not any(is_known(part) for part in value.split("/") if len(part) >= _LEAST):
            raise ValueError("none of WEBHOOK_SECRETS")
        return MASK


def is_sound(secret: str) -> bool:
    """Return True if a secret is long enough, and made of characters that need no escape in a URL."""
    return len(secret) >= MIN_LENGTH and bool(_FORM.fullmatch(secret))


def is_known(offered: str) -> bool:
    """Return True for one of WEBHOOK_SECRETS of at least 32 characters, in constant time."""
    digest = _digest(offered)
    usable = [secret for secret in settings.WEBHOOK_SECRETS if len(secret) >= _LEAST]
    # All are compared, so that the time does not show which one it is; digests, because the time of a comparison of
    # texts shows their lengths.
    return True in [hmac.compare_digest(digest, _digest(secret)) for secret in usable]


@sensitive_variables()
def let_in(request: HttpRequest, *, by_url: bool) -> None:
    """Raise Http404 unless the request has a right secret (in its URL if `by_url`) and comes from an allowed address.

    Then mask the secret in the request's path and headers, which logs and error reports read.
    """
    secret = _find_in_path(request) if by_url else _password_of(request)
    if not (_is_verbatim(request, secret) if by_url else is_known(secret)):
        raise not_found(request)
    _hide(request, secret)
    if not _is_allowed(request):
        logger.warning("refused a request with a right secret: its address is not in WEBHOOK_ADDRESSES")
        raise not_found(request)


@sensitive_variables()
def not_found(request: HttpRequest) -> Resolver404:
    """Return the exception of an unknown URL, so that the host's 404 page is the same as for one.

    Then logs and error reports read nothing that the caller wrote into the URL: it may be a secret with a typo.
    """
    match = request.resolver_match
    known, _, unknown = match.route.partition("<") if match else ("", "", MASK)
    shown = f"/{known}{MASK if unknown else ''}"
    request.path = request.path.removesuffix(request.path_info) + shown
    request.path_info = shown
    for name, value in list(request.META.items()):
        # Proxies and servers hand the URL on in variables of many names.
        before, is_url, _ = value.partition(f"/{known}") if isinstance(value, str) else ("", "", "")
        if is_url:
            request.META[name] = before + shown
        elif value and name in _WRITTEN_BY_CALLER:
            request.META[name] = MASK
    return Resolver404({"path": request.path_info.removeprefix("/")})


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


@sensitive_variables()
def _find_in_path(request: HttpRequest) -> str:
    return next(part for part in request.path_info.split("/") if is_known(part))


@sensitive_variables()
def _is_verbatim(request: HttpRequest, secret: str) -> bool:
    """Return False if the URL escapes the secret: %41 for A would pass through a log's mask unnoticed."""
    # Not every server tells the raw URL.
    raw = request.META.get("RAW_URI") or request.META.get("REQUEST_URI") or secret
    return secret in raw


@sensitive_variables()
def _password_of(request: HttpRequest) -> str:
    scheme, _, credentials = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        decoded = base64.b64decode(credentials, validate=True).decode()
    except ValueError:
        return ""
    return decoded.partition(":")[2]


@sensitive_variables()
def _hide(request: HttpRequest, secret: str) -> None:
    request.path = request.path.replace(secret, MASK)
    request.path_info = request.path_info.replace(secret, MASK)
    for name, value in list(request.META.items()):
        if isinstance(value, str) and secret in value:
            request.META[name] = value.replace(secret, MASK)
    # In base64 the secret is not found by its characters.
    if "HTTP_AUTHORIZATION" in request.META:
        request.META["HTTP_AUTHORIZATION"] = MASK


def _is_allowed(request: HttpRequest) -> bool:
    if not settings.WEBHOOK_ADDRESSES:
        return True
    address = find_address(request)
    networks = [ipaddress.ip_network(network) for network in settings.WEBHOOK_ADDRESSES]
    return any(address in network for network in networks if address is not None)
