"""Captchas show a challenge and judge an answer; the guard decides when one is needed.

get_captcha() returns the captcha that CAPTCHA names. To write another one, subclass Captcha.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.http import HttpResponse
from django.utils.module_loading import import_string

from django_ihuyi.conf import settings

__all__ = ["DEADLINE", "Captcha", "CaptchaDown", "Challenge"]

#: Seconds that a captcha may take to show a challenge or to judge an answer. A slower one counts as down, and nothing
#: is sent. It is not interrupted, so that a captcha that calls another service needs a time-out for that call.
DEADLINE = 3.0
#: The form of a challenge's id, and of the name of one of its files.
ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
#: Short names for BACKEND, in place of a dotted path.
SHORT_NAMES: Mapping[str, str] = {
    "image": "django_ihuyi.guards.captchas.image.ImageCaptcha",
    "geetest": "django_ihuyi.guards.captchas.geetest.GeetestCaptcha",
    "proof_of_work": "django_ihuyi.guards.captchas.proof_of_work.ProofOfWorkCaptcha",
}


class CaptchaDown(Exception):
    """The captcha cannot show or judge anything now. The text is logged, so keep keys and answers out of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """One captcha to solve."""

    #: A unique name, not secret: up to 64 letters, digits, hyphens and underscores.
    id: str
    #: The data that the client needs to show the challenge, as JSON values.
    shown: Mapping[str, Any] = field(repr=False)


class Captcha(ABC):
    """Base class of captchas. Name a subclass in CAPTCHA; each process gets one instance.

    A subclass need not bind or expire challenges: the guard accepts each challenge once, for its purpose and client,
    within a few minutes.
    """

    #: Tells clients how to show a challenge, as in "image".
    kind: str = ""

    @abstractmethod
    def challenge(self, *, purpose: str, client: str) -> Challenge:
        """Return a new challenge within DEADLINE, or raise CaptchaDown."""

    @abstractmethod
    def verify(self, answer: Mapping[str, str], *, challenge_id: str, client: str) -> bool:
        """Return True if `answer` solves the challenge, within DEADLINE, or raise CaptchaDown.

        `answer` holds texts as a stranger sent them. The method is called once for each challenge.
        """

    def find_solution_id(self, answer: Mapping[str, str]) -> str:  # noqa: ARG002 - for subclasses
        """Return a unique name of the solution, if one solution fits several challenges.

        Return an empty text, as here, if a solution fits only its own challenge.
        """
        return ""

    def get_file(self, file: str, *, challenge_id: str) -> HttpResponse | None:  # noqa: ARG002
        """Return a file of a live challenge, such as its `image`, or None. `GET captcha/<file>/<id>/` asks for it.

        `file` and `challenge_id` are well formed, but a stranger may have made them up. Each request must get the same
        file: many pictures of one text would tell it.
        """
        return None


@lru_cache(maxsize=1)
def get_captcha() -> Captcha:
    """Return the captcha of this process. Raises ImproperlyConfigured if CAPTCHA is wrong."""
    try:
        configured: Mapping[str, Any] = settings.CAPTCHA
        return load(configured["BACKEND"])(**configured.get("OPTIONS", {}))
    except (KeyError, ImportError, TypeError, ValueError) as error:
        raise ImproperlyConfigured(f"IHUYI['CAPTCHA'] cannot be used: {type(error).__name__}") from error


def load(backend: str) -> type[Captcha]:
    """Return the class of a BACKEND. Raises ImportError with a text that names the missing part."""
    try:
        loaded = import_string(SHORT_NAMES.get(backend, backend))
    except RuntimeError as error:  # Django raises it for a model whose app is not in INSTALLED_APPS
        raise ImportError(str(error)) from error
    if not (isinstance(loaded, type) and issubclass(loaded, Captcha)):
        raise ImportError(f"{backend} is not a subclass of django_ihuyi.guards.captchas.Captcha")
    return loaded


@receiver(setting_changed)
def _forget_captcha(*, setting: str, **_: Any) -> None:
    if setting == "IHUYI":
        get_captcha.cache_clear()
