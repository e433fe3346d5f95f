"""A backend for the first minutes of development: it prints messages."""

from __future__ import annotations

import secrets
import sys

from django_ihuyi.backends.base import BaseBackend
from django_ihuyi.client.outcomes import Outcome, Submission
from django_ihuyi.texts.templates import OutgoingText

__all__ = ["ConsoleBackend"]


class ConsoleBackend(BaseBackend):
    """Write each message to standard output in place of sending it."""

    shows_codes = True

    def submit(self, phone: str, text: OutgoingText) -> Submission:
        """Print one message."""
        sys.stdout.write(f"{self.channel.upper()} to {phone}: {text.content}\n")
        sys.stdout.flush()
        return Submission(
            outcome=Outcome.ACCEPTED, code=2, text="printed", platform_id=secrets.token_hex(8), elapsed=0.0
        )
