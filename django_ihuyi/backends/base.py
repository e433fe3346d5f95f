"""What a backend is: the class that hands a message to a channel."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from django_ihuyi.client.outcomes import Balance, Outcome, Submission
from django_ihuyi.texts.templates import OutgoingText

__all__ = ["BaseBackend"]


class BaseBackend(ABC):
    """Hand messages over; subclass it to reach something else, and name the subclass in CHANNELS."""

    #: True where codes show up outside of a phone: such a backend must not run in production.
    shows_codes = False

    def __init__(self, *, channel: str = "sms", **options: Any) -> None:
        #: The name in CHANNELS that this backend serves.
        self.channel = channel
        if options:
            raise TypeError(f"{type(self).__name__} does not know the options {', '.join(sorted(options))}")

    @abstractmethod
    def submit(self, phone: str, text: OutgoingText) -> Submission:
        """Hand one message over and say what became of it; raise nothing that the far side can cause."""

    def get_balance(self) -> Balance:
        """Return how many messages the account can still send; unknown unless a subclass can tell."""
        return Balance(outcome=Outcome.UNKNOWN, code=None, text="this backend has no account", elapsed=0.0, units=None)
