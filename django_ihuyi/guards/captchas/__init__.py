"""Captchas: get_captcha() returns the one that CAPTCHA names; another one subclasses Captcha."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from django_ihuyi.conf import settings
from django_ihuyi.guards.captchas.base import DEADLINE, Captcha, CaptchaDown, Challenge

__all__ = ["DEADLINE", "Captcha", "CaptchaDown", "Challenge"]

#: Short names for BACKEND, in place of a dotted path.
SHORT_NAMES: Mapping[str, str] = {
    "image": "django_ihuyi.guards.captchas.image.ImageCaptcha",
    "geetest": "django_ihuyi.guards.captchas.geetest.GeetestCaptcha",
    "proof_of_work": "django_ihuyi.guards.captchas.proof_of_work.ProofOfWorkCaptcha",
}

_captchas: list[Captcha] = []


def get_captcha() -> Captcha:
    """Return the captcha of this process. Raises ImproperlyConfigured if CAPTCHA is wrong."""
    if not _captchas:
        _captchas.append(_make_captcha())
    return _captchas[-1]


def load(backend: str) -> type[Captcha]:
    """Return the class of a BACKEND. Raises ImportError with a text that names the missing part."""
    try:
        loaded = import_string(SHORT_NAMES.get(backend, backend))
    except RuntimeError as error:  # Django raises it for a model whose app is not in INSTALLED_APPS
        raise ImportError(str(error)) from error
    if not (isinstance(loaded, type) and issubclass(loaded, Captcha)):
        raise ImportError(f"{backend} is not a subclass of django_ihuyi.guards.captchas.Captcha")
    return loaded


def _make_captcha() -> Captcha:
    try:
        configured: Mapping[str, Any] = settings.CAPTCHA
        return load(configured["BACKEND"])(**configured.get("OPTIONS", {}))
    except (KeyError, ImportError, TypeError, ValueError) as error:
        raise ImproperlyConfigured(f"IHUYI['CAPTCHA'] cannot be used: {type(error).__name__}") from error


def _forget_captcha(*, setting: str, **_: Any) -> None:
    if setting == "IHUYI":
        _captchas.clear()


setting_changed.connect(_forget_captcha)
