"""Findings about CAPTCHA, and about the guard that shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from django_ihuyi.checks.findings import finding
from django_ihuyi.checks.names import sound
from django_ihuyi.guards.captcha import CaptchaGuard, parse_rule
from django_ihuyi.guards.captchas import Captcha, load

GUARD = "django_ihuyi.guards.captcha.CaptchaGuard"


@finding("E065", hint='Write {"BACKEND": "image", "OPTIONS": {…}, "RULES": {…}}, or {} for no captcha.')
def find_malformed_captcha() -> Iterator[str]:
    """CAPTCHA is not a BACKEND with OPTIONS and RULES."""
    if sound("CAPTCHA") and not _is_well_formed():
        yield "IHUYI['CAPTCHA'] must have a BACKEND, may have OPTIONS and RULES, and has nothing else."


@finding("E066", hint='Install django-ihuyi[captcha-image] and add "captcha" to INSTALLED_APPS, or …[captcha-altcha].')
def find_unknown_captcha() -> Iterator[str]:
    """CAPTCHA's BACKEND, or the package that it needs, cannot be imported, or it is no captcha."""
    if _is_well_formed() and isinstance(loaded := _load(), str):
        yield f"IHUYI['CAPTCHA']['BACKEND']: {loaded}"


@finding("E067", hint="The guide to captchas lists the options of each.")
def find_refused_captcha_options() -> Iterator[str]:
    """CAPTCHA's backend does not take its OPTIONS."""
    if _is_well_formed() and not isinstance(loaded := _load(), str):
        try:
            loaded(**sound("CAPTCHA").get("OPTIONS", {}))
        except (TypeError, ValueError, ImproperlyConfigured) as error:
            yield f"IHUYI['CAPTCHA']['OPTIONS']: {error}."


@finding("E068", hint='Write "always", "asked", "never", or {"after_client": 3, "after_number": 2}; "*" is all others.')
def find_wrong_captcha_rules() -> Iterator[str]:
    """CAPTCHA's RULES name a purpose that PURPOSES does not have, or hold something that is no rule."""
    rules = sound("CAPTCHA").get("RULES", {})
    for purpose, rule in rules.items() if isinstance(rules, Mapping) else ():
        if purpose != "*" and purpose not in sound("PURPOSES"):
            yield f"IHUYI['CAPTCHA']['RULES'] names the purpose {purpose!r}, which PURPOSES does not have."
        if not _is_rule(rule):
            yield f"IHUYI['CAPTCHA']['RULES'][{purpose!r}] is {rule!r}, which is no rule."


@finding("E069", hint='Set CAPTCHA, for example to {"BACKEND": "image"}, or take the guard out of GUARDS.')
def find_guard_without_captcha() -> Iterator[str]:
    """GUARDS has the captcha guard, but CAPTCHA is empty: no code could be sent."""
    if _has_guard() and not sound("CAPTCHA"):
        yield "IHUYI['GUARDS'] has a captcha guard, and IHUYI['CAPTCHA'] is empty."


@finding("W029", hint=f"Set CAPTCHA, and add {GUARD!r} to GUARDS: carriers stop a site that has none.", deploy=True)
def find_no_captcha() -> Iterator[str]:
    """Nobody has to solve a captcha: whoever has many addresses sends your messages to any number."""
    if not _has_guard() and not sound("CAPTCHA"):
        yield "IHUYI['GUARDS'] has no captcha guard."


@finding("W030", hint=f"Add {GUARD!r} to GUARDS, behind the guards that may ask for a captcha.")
def find_captcha_without_guard() -> Iterator[str]:
    """CAPTCHA is set, but no guard in GUARDS asks for it."""
    if sound("CAPTCHA") and not _has_guard():
        yield "IHUYI['CAPTCHA'] is set, and IHUYI['GUARDS'] has no captcha guard."


def _is_well_formed() -> bool:
    captcha: Mapping[str, Any] = sound("CAPTCHA")
    are_mappings = all(isinstance(captcha.get(name, {}), Mapping) for name in ("OPTIONS", "RULES"))
    return set(captcha) <= {"BACKEND", "OPTIONS", "RULES"} and isinstance(captcha.get("BACKEND"), str) and are_mappings


def _load() -> type[Captcha] | str:
    try:
        return load(sound("CAPTCHA")["BACKEND"])
    except ImportError as error:
        return f"{error}."


def _has_guard() -> bool:
    return any(_is_captcha_guard(path) for path in sound("GUARDS"))


def _is_captcha_guard(path: str) -> bool:
    try:
        guard = import_string(path)
    except ImportError:
        return False
    return isinstance(guard, type) and issubclass(guard, CaptchaGuard)


def _is_rule(rule: object) -> bool:
    try:
        parse_rule(rule)
    except ValueError:
        return False
    return True
