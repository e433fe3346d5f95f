"""Findings about the webhooks: secrets, networks, encoding, URLs."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings as django_settings
from django.urls import get_resolver

from django_ihuyi.checks.findings import finding
from django_ihuyi.checks.names import accepts, sound
from django_ihuyi.webhooks.gate import MIN_LENGTH, is_sound

#: Of 10¹² random texts of 43 URL-safe characters, none has fewer distinct characters.
_DIFFERENT = 16
#: The package of the views.
_VIEWS = "django_ihuyi.webhooks."
_MAKE_ONE = 'Make one: python -c "import secrets; print(secrets.token_urlsafe(32))"'


@finding("E045", hint=_MAKE_ONE)
def find_weak_secrets() -> Iterator[str]:
    """A secret in WEBHOOK_SECRETS is shorter than 43 characters, or not URL-safe."""
    for place, secret in enumerate(sound("WEBHOOK_SECRETS")):
        if not is_sound(secret):
            yield f"IHUYI['WEBHOOK_SECRETS'][{place}] must have {MIN_LENGTH} or more characters, all URL-safe."


@finding("E046", hint=_MAKE_ONE)
def find_guessable_secrets() -> Iterator[str]:
    """A secret in WEBHOOK_SECRETS is not random, or is the site's SECRET_KEY."""
    for place, secret in enumerate(sound("WEBHOOK_SECRETS")):
        if is_sound(secret) and (len(set(secret)) < _DIFFERENT or secret == django_settings.SECRET_KEY):
            yield f"IHUYI['WEBHOOK_SECRETS'][{place}] is easy to guess, or is the SECRET_KEY."


@finding("E047", hint='Write networks, such as "203.0.113.0/24" or "2001:db8::/32", or single addresses.')
def find_wrong_networks() -> Iterator[str]:
    """WEBHOOK_ADDRESSES has an entry that is not a network."""
    for network in sound("WEBHOOK_ADDRESSES"):
        if not accepts(ipaddress.ip_network, network):
            yield f"{network!r} in IHUYI['WEBHOOK_ADDRESSES'] is not a network."


@finding("E048", hint='Write "utf-8" or "gbk".')
def find_unknown_encoding() -> Iterator[str]:
    """WEBHOOK_ENCODING is not an encoding that the platform uses."""
    if sound("WEBHOOK_ENCODING") not in ("utf-8", "gbk"):
        yield f"IHUYI['WEBHOOK_ENCODING'] is {sound('WEBHOOK_ENCODING')!r}, which is unknown."


@finding("W022", hint='Add path("webhooks/", include("django_ihuyi.webhooks.urls")) to your URLs.')
def find_secrets_without_urls() -> Iterator[str]:
    """WEBHOOK_SECRETS is set, but no URL of the site leads to the webhooks."""
    has_urls = bool(getattr(django_settings, "ROOT_URLCONF", None))
    if sound("WEBHOOK_SECRETS") and has_urls and not _leads_to_webhooks(get_resolver().url_patterns):
        yield "IHUYI['WEBHOOK_SECRETS'] is set, but django_ihuyi.webhooks.urls is not included."


def _leads_to_webhooks(patterns: Iterable[Any]) -> bool:
    return any(
        _leads_to_webhooks(pattern.url_patterns)
        if hasattr(pattern, "url_patterns")
        else pattern.callback.__module__.startswith(_VIEWS)
        for pattern in patterns
    )
