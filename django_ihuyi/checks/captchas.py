"""Findings about CAPTCHA and the captcha guard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import dropwhile, islice
from typing import Any

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.urls import NoReverseMatch, reverse

from django_ihuyi.checks.findings import finding
from django_ihuyi.checks.names import accepts, has_guard, is_guard, sound
from django_ihuyi.guards.captcha import CaptchaGuard, parse_rule
from django_ihuyi.guards.captchas import load

GUARD = "django_ihuyi.guards.captcha.CaptchaGuard"


@finding("E065", hint='Write {"BACKEND": "image", "OPTIONS": {…}, "RULES": {…}}, or {} for no captcha.')
def find_malformed_captcha() -> Iterator[str]:
    """CAPTCHA is not a BACKEND with optional OPTIONS and RULES."""
    if sound("CAPTCHA") and not _is_well_formed():
        yield "IHUYI['CAPTCHA'] must have a BACKEND, may have OPTIONS and RULES, and must have no other key."


@finding("E066", hint='Install django-ihuyi[captcha-image] and add "captcha" to INSTALLED_APPS, or …[captcha-altcha].')
def find_unknown_captcha() -> Iterator[str]:
    """The BACKEND of CAPTCHA, or a package that it needs, cannot be imported, or it is not a captcha."""
    if _is_well_formed():
        try:
            load(sound("CAPTCHA")["BACKEND"])
        except ImportError as error:
            yield f"IHUYI['CAPTCHA']['BACKEND']: {error}."


@finding("E067", hint="Correct OPTIONS: the guide to captchas lists the options of each backend.")
def find_refused_captcha_options() -> Iterator[str]:
    """The backend of CAPTCHA rejects its OPTIONS."""
    if not _is_well_formed() or any(find_unknown_captcha()):
        return
    captcha = sound("CAPTCHA")
    try:
        load(captcha["BACKEND"])(**captcha.get("OPTIONS", {}))
    except (TypeError, ValueError, ImproperlyConfigured) as error:
        yield f"IHUYI['CAPTCHA']['OPTIONS']: {error}."


@finding("E068", hint='Write "always", "asked", "never", or {"after_client": 3, "after_number": 2}; "*": all others.')
def find_wrong_captcha_rules() -> Iterator[str]:
    """The RULES of CAPTCHA name a purpose that PURPOSES does not have, or contain an invalid rule."""
    rules = sound("CAPTCHA").get("RULES", {})
    for purpose, rule in rules.items() if isinstance(rules, Mapping) else ():
        if purpose != "*" and purpose not in sound("PURPOSES"):
            yield f"IHUYI['CAPTCHA']['RULES'] names the purpose {purpose!r}, which PURPOSES does not have."
        if not accepts(parse_rule, rule):
            yield f"IHUYI['CAPTCHA']['RULES'][{purpose!r}] is {rule!r}, which is not a rule."


@finding("E069", hint='Set CAPTCHA, for example to {"BACKEND": "image"}, or remove the guard from GUARDS.')
def find_guard_without_captcha() -> Iterator[str]:
    """GUARDS has a captcha guard, but CAPTCHA is empty: no code could be sent."""
    if has_guard(CaptchaGuard) and not sound("CAPTCHA"):
        yield "IHUYI['GUARDS'] has a captcha guard, but IHUYI['CAPTCHA'] is empty."


@finding("E082", hint="Put the captcha guard last in GUARDS, and name only one.")
def find_guards_after_captcha() -> Iterator[str]:
    """GUARDS has a guard after the captcha guard: what it refuses has wasted a solved captcha."""
    from_captcha = dropwhile(lambda path: not is_guard(path, CaptchaGuard), sound("GUARDS"))
    for path in islice(from_captcha, 1, None):
        yield f"IHUYI['GUARDS'] has {path!r} after the captcha guard."


@finding("W029", hint=f"Set CAPTCHA, and add {GUARD!r} to GUARDS: carriers block sites without a captcha.", deploy=True)
def find_no_captcha() -> Iterator[str]:
    """No captcha is required: an attacker with many addresses can send your messages to any number."""
    if not has_guard(CaptchaGuard) and not sound("CAPTCHA"):
        yield "IHUYI['GUARDS'] has no captcha guard."


@finding("W030", hint=f"Add {GUARD!r} to GUARDS, after the guards that may require a captcha.")
def find_captcha_without_guard() -> Iterator[str]:
    """CAPTCHA is set, but GUARDS has no captcha guard."""
    if sound("CAPTCHA") and not has_guard(CaptchaGuard):
        yield "IHUYI['CAPTCHA'] is set, but IHUYI['GUARDS'] has no captcha guard."


@finding(
    "W040", hint='Remove include("captcha.urls"): django_ihuyi.urls serves the pictures, with limits.', deploy=True
)
def find_package_urls() -> Iterator[str]:
    """The site includes captcha.urls, which draws the pictures without limits, and so that programs can read them."""
    if not _is_well_formed() or any(find_unknown_captcha()) or not getattr(django_settings, "ROOT_URLCONF", None):
        return
    if load(sound("CAPTCHA")["BACKEND"]).kind == "image" and _leads_to_package():
        yield "The URLs of the site include captcha.urls."


def _is_well_formed() -> bool:
    captcha: Mapping[str, Any] = sound("CAPTCHA")
    are_mappings = all(isinstance(captcha.get(name, {}), Mapping) for name in ("OPTIONS", "RULES"))
    return set(captcha) <= {"BACKEND", "OPTIONS", "RULES"} and isinstance(captcha.get("BACKEND"), str) and are_mappings


def _leads_to_package() -> bool:
    try:
        return bool(reverse("captcha-image", args=["0"]))
    except NoReverseMatch:
        return False
