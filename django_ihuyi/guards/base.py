"""What a guard is: somebody who is asked before a message is reserved."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A code that somebody asks for; what a guard and a purpose's policy decide by."""

    #: The canonical number.
    phone: str = field(repr=False)
    purpose: str
    channel: str
    #: The requester's address as `client_of` folds it, and their user's primary key; empty if not known.
    client: str = ""
    user: str = ""
    #: What the requester answered to a captcha, as it came with the request.
    captcha: Mapping[str, Any] | None = field(default=None, repr=False)
    #: Why an earlier guard wants a captcha to be solved; a captcha guard that is satisfied empties it.
    captcha_reason: str = ""


class Guard(ABC):
    """Judge requests for codes; subclass it, and name the subclass in GUARDS. One is made for each request."""

    @abstractmethod
    def check(self, wanted: Wanted, *, using: str) -> Wanted:
        """Return the request as the next guard shall see it, or raise a NotSent that says why not."""

    def give_back(self, wanted: Wanted, *, using: str) -> None:  # noqa: B027 - most count nothing
        """Undo what `check` counted: a later guard or the limits refused, or the message certainly did not leave."""
