"""What a captcha is: it shows something, and judges an answer to it. Who, when and how often is the guard's affair."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: Seconds that a captcha has to show something, and to judge an answer. What takes longer is down, and nothing is sent;
#: but nobody interrupts it: whoever asks another service gives that call a time-out.
DEADLINE = 3.0


class CaptchaDown(Exception):
    """The captcha cannot judge or show anything now. Its text goes into the log: no key and no answer in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """One captcha to solve."""

    #: Its own name, no two alike: up to 64 letters, digits, hyphens and underscores. Whoever sees it may know it.
    id: str
    #: What the client needs to show it, ready to be written as JSON.
    shown: Mapping[str, Any] = field(repr=False)


class Captcha(ABC):
    """Tell people from programs; subclass it, and name the subclass in CAPTCHA. One is made for each process.

    The guard binds each challenge to its purpose and client, and lets it be answered once and for a few minutes: a
    subclass need not.
    """

    #: By what clients know how to show it, as in "image".
    kind: str = ""

    @abstractmethod
    def challenge(self, *, purpose: str, client: str) -> Challenge:
        """Make a captcha that was never shown before, within DEADLINE. Raises CaptchaDown."""

    @abstractmethod
    def verify(self, answer: Mapping[str, str], *, challenge_id: str, client: str) -> bool:
        """Say whether `answer`, texts as a stranger sent them, solves the challenge. Raises CaptchaDown.

        It is asked once for each challenge, and answers within DEADLINE.
        """

    def find_solution_id(self, answer: Mapping[str, str]) -> str:  # noqa: ARG002 - for subclasses
        """Return what names this solution, if one solution could be sent with more than one of our challenges.

        Empty, as here, where the solution itself belongs to its challenge.
        """
        return ""
