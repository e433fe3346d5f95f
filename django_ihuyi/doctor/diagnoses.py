"""What an examination says: lines of one kind."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass


class Level(enum.Enum):
    """How a thing stands."""

    OK = "OK"
    #: It works, and may not do so for long or for everybody.
    WARN = "WARN"
    #: It does not work.
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """How one thing stands, and what to do; never with a key, a code or a whole number."""

    level: Level
    #: What was looked at: stable, and in no language.
    subject: str
    text: str
    #: What to do; empty where there is nothing.
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.level.value:<4}  {self.subject}: {self.text} {self.advice}".rstrip()

    def as_dict(self) -> dict[str, str]:
        """Return what `--json` prints."""
        return {"level": self.level.value, "subject": self.subject, "text": self.text, "advice": self.advice}


def is_healthy(diagnoses: Iterable[Diagnosis]) -> bool:
    """Say whether nothing fails."""
    return all(diagnosis.level is not Level.FAIL for diagnosis in diagnoses)
