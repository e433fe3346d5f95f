"""Who may push: whoever knows a secret, from an address that is allowed. To all others there is nothing here."""

from __future__ import annotations

import base64
import ipaddress

from django.http import HttpRequest
from django.urls import Resolver404
from django.urls.converters import StringConverter
from django.views.decorators.debug import sensitive_variables

from django_ihuyi.client_addresses import find_address
from django_ihuyi.conf import settings
from django_ihuyi.logs import get_logger
from django_ihuyi.webhooks.secrets import is_known

#: What stands for a secret that was given.
MASK = "***"

logger = get_logger("django_ihuyi.webhooks")


class KnownSecret(StringConverter):
    """A part of a URL that is one of WEBHOOK_SECRETS; any other makes the URL one that the site does not have."""

    def to_python(self, value: str) -> str:
        """Return no secret but a mask; raise ValueError, on which the resolver goes on to the host's next pattern."""
        if not is_known(value):
            raise ValueError("no secret of ours")
        return MASK


@sensitive_variables()
def let_in(request: HttpRequest, *, by_url: bool) -> None:
    """Raise Http404 unless the request may push; `by_url` says that its URL has a secret.

    From here on no secret is in what logs and error reports read of the request: not in its path, nor in its headers.
    """
    secret = _find_in_path(request) if by_url else _password_of(request)
    if not (_is_verbatim(request, secret) if by_url else is_known(secret)):
        raise _nothing_here(request)
    _hide(request, secret)
    if not _is_allowed(request):
        logger.warning("a push with a right secret came from an address that WEBHOOK_ADDRESSES does not have")
        raise _nothing_here(request)


@sensitive_variables()
def _find_in_path(request: HttpRequest) -> str:
    return next(part for part in request.path_info.split("/") if is_known(part))


@sensitive_variables()
def _is_verbatim(request: HttpRequest, secret: str) -> bool:
    """Say whether the URL spelled the secret out, where the server tells: %41 for A would slip through a log's mask."""
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
    if "HTTP_AUTHORIZATION" in request.META:
        request.META["HTTP_AUTHORIZATION"] = MASK


def _is_allowed(request: HttpRequest) -> bool:
    networks = [ipaddress.ip_network(network) for network in settings.WEBHOOK_ADDRESSES]
    address = find_address(request)
    return not networks or any(address in network for network in networks if address is not None)


def _nothing_here(request: HttpRequest) -> Resolver404:
    # What the resolver raises for a URL that is not there, so that a host's page for it says the same.
    return Resolver404({"path": request.path_info.removeprefix("/")})
