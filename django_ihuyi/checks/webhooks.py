"""Findings about the webhooks: their secrets, and who may push."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings as django_settings
from django.urls import get_resolver

from django_ihuyi.checks.findings import finding
from django_ihuyi.checks.names import sound
from django_ihuyi.webhooks.gate import MIN_LENGTH, is_sound

#: Of 10¹² random texts of 43 URL-safe characters not one has fewer different ones.
_DIFFERENT = 16
#: Where the views are; by name, because the edges do not import each other.
_VIEWS = "django_ihuyi.webhooks."
_MAKE_ONE = 'Make one: python -c "import secrets; print(secrets.token_urlsafe(32))"'


@finding("E045", hint=_MAKE_ONE)
def find_weak_secrets() -> Iterator[str]:
    """A secret in WEBHOOK_SECRETS is shorter than 43 characters, or is not URL-safe."""
    for place, secret in enumerate(sound("WEBHOOK_SECRETS")):
        if not is_sound(secret):
            yield f"IHUYI['WEBHOOK_SECRETS'][{place}] is not {MIN_LENGTH} URL-safe characters or more."


@finding("E046", hint=_MAKE_ONE)
def find_guessable_secrets() -> Iterator[str]:
    """A secret in WEBHOOK_SECRETS is no random text, or is the site's SECRET_KEY."""
    for place, secret in enumerate(sound("WEBHOOK_SECRETS")):
        if is_sound(secret) and (len(set(secret)) < _DIFFERENT or secret == django_settings.SECRET_KEY):
            yield f"IHUYI['WEBHOOK_SECRETS'][{place}] can be guessed, or is used for something else."


@finding("E047", hint='Write networks, as in "203.0.113.0/24" or "2001:db8::/32", or single addresses.')
def find_wrong_networks() -> Iterator[str]:
    """WEBHOOK_ADDRESSES holds something that is no network."""
    for network in sound("WEBHOOK_ADDRESSES"):
        if not _is_network(network):
            yield f"{network!r} in IHUYI['WEBHOOK_ADDRESSES'] is no network."


@finding("E048", hint='Write "utf-8" or "gbk".')
def find_unknown_encoding() -> Iterator[str]:
    """WEBHOOK_ENCODING is nothing that the platform may write."""
    if sound("WEBHOOK_ENCODING") not in ("utf-8", "gbk"):
        yield f"IHUYI['WEBHOOK_ENCODING'] is {sound('WEBHOOK_ENCODING')!r}."


@finding("W022", hint='Add path("webhooks/", include("django_ihuyi.webhooks.urls")) to your URLs.')
def find_secrets_without_urls() -> Iterator[str]:
    """WEBHOOK_SECRETS are set, but no URL of the site leads to the webhooks."""
    has_urls = bool(getattr(django_settings, "ROOT_URLCONF", None))
    if sound("WEBHOOK_SECRETS") and has_urls and not _leads_to_webhooks(get_resolver().url_patterns):
        yield "IHUYI['WEBHOOK_SECRETS'] is set, and django_ihuyi.webhooks.urls is not included."


@finding("W023", hint="Set TRUSTED_PROXY_COUNT to the number of proxies that append to X-Forwarded-For.", deploy=True)
def find_networks_behind_proxies() -> Iterator[str]:
    """Django is told of a proxy, and WEBHOOK_ADDRESSES would be compared with the proxy's own address."""
    is_proxied = django_settings.SECURE_PROXY_SSL_HEADER or django_settings.USE_X_FORWARDED_HOST
    if is_proxied and sound("TRUSTED_PROXY_COUNT") == 0 and sound("WEBHOOK_ADDRESSES"):
        yield "The site stands behind a proxy, and IHUYI['TRUSTED_PROXY_COUNT'] is 0."


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def _leads_to_webhooks(patterns: Iterable[Any]) -> bool:
    return any(
        _leads_to_webhooks(pattern.url_patterns)
        if hasattr(pattern, "url_patterns")
        else pattern.callback.__module__.startswith(_VIEWS)
        for pattern in patterns
    )
