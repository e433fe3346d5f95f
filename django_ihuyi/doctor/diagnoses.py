"""The lines of an examination."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Level(enum.Enum):
    """The state of the thing that was examined."""

    OK = "OK"
    #: It works, but may stop working soon, or does not work for everyone.
    WARN = "WARN"
    #: It does not work.
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The state of one thing, and the next step. It never contains a key, a code or a complete number."""

    level: Level
    #: The thing that was examined: a stable, untranslated name.
    subject: str
    text: str
    #: The next step; empty if there is none.
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.level.value:<4}  {self.subject}: {self.text} {self.advice}".rstrip()

    def as_dict(self) -> dict[str, str]:
        """Return the object that `--json` prints."""
        return {"level": self.level.value, "subject": self.subject, "text": self.text, "advice": self.advice}


def ok(subject: str, text: str, advice: str = "") -> Diagnosis:
    """Return a diagnosis of something that works."""
    return Diagnosis(level=Level.OK, subject=subject, text=text, advice=advice)


def warn(subject: str, text: str, advice: str = "") -> Diagnosis:
    """Return a diagnosis of something that works, but may not for long, or not for everyone."""
    return Diagnosis(level=Level.WARN, subject=subject, text=text, advice=advice)


def fail(subject: str, text: str, advice: str = "") -> Diagnosis:
    """Return a diagnosis of something that does not work."""
    return Diagnosis(level=Level.FAIL, subject=subject, text=text, advice=advice)
