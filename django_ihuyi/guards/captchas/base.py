"""The base class of captchas, which show a challenge and judge an answer. The guard decides when one is needed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: Seconds that a captcha may take to show a challenge or to judge an answer. A slower one counts as down, and nothing
#: is sent. It is not interrupted, so that a captcha that calls another service needs a time-out for that call.
DEADLINE = 3.0


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
