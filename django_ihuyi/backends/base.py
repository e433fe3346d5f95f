"""The base class of backends, which hand messages over to a channel."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from django_ihuyi.client.outcomes import Balance, Outcome, Submission
from django_ihuyi.texts.templates import OutgoingText

__all__ = ["BaseBackend"]


class BaseBackend(ABC):
    """Hand messages over. To send through something else, subclass it and name the subclass in CHANNELS."""

    #: True if codes can be read elsewhere than on the phone: such a backend must not run in production.
    shows_codes = False

    def __init__(self, *, channel: str = "sms", **options: Any) -> None:
        #: The name in CHANNELS that this backend serves.
        self.channel = channel
        # A misspelt option would otherwise do nothing, without a word.
        if options:
            raise TypeError(f"{type(self).__name__} does not know the options {', '.join(sorted(options))}")

    @abstractmethod
    def submit(self, phone: str, text: OutgoingText) -> Submission:
        """Hand one message over and return the result. Errors of the network or the platform are results, too."""

    def get_balance(self) -> Balance:
        """Return how many messages the account can still send; here unknown."""
        return Balance(outcome=Outcome.UNKNOWN, code=None, text="this backend has no account", elapsed=0.0, units=None)
