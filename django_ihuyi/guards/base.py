"""The base class of guards, and the request that they check."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A requested code: the input of guards and of a purpose's policy."""

    #: The canonical number.
    phone: str = field(repr=False)
    purpose: str
    channel: str
    #: The requester's address in the form of `client_of`, and the primary key of their user; empty if not known.
    client: str = ""
    user: str = ""
    #: The answer to a captcha, unchecked, as it came with the request.
    captcha: Mapping[str, Any] | None = field(default=None, repr=False)
    #: The reason why an earlier guard wants a captcha. A captcha guard empties it when the captcha is solved.
    captcha_reason: str = ""


class Guard(ABC):
    """Base class of guards. Name a subclass in GUARDS; each request gets an instance of its own."""

    @abstractmethod
    def check(self, wanted: Wanted, *, using: str) -> Wanted:
        """Return the request for the next guard, or raise a NotSent to refuse it."""

    def give_back(self, wanted: Wanted, *, using: str) -> None:  # noqa: B027 - most guards count nothing
        """Undo what `check` counted, because the request was refused later or its message did not leave."""
