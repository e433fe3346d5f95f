"""For tests of a host: messages stay in a list, and sending can be made to fail in each of the four ways."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from django_ihuyi.backends.base import BaseBackend
from django_ihuyi.client.outcomes import Outcome, Submission
from django_ihuyi.texts.templates import OutgoingText

__all__ = ["LocmemBackend", "SentText", "outbox"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SentText:
    """A message that arrived in the outbox."""

    phone: str = field(repr=False)
    content: str = field(repr=False)
    code: str = field(repr=False)
    template_id: str | None = None
    channel: str = "sms"


#: What was sent, oldest first; clear it between tests.
outbox: list[SentText] = []


class LocmemBackend(BaseBackend):
    """Keep messages in `outbox`.

    Options: `outcome` is "accepted" (the default), "refused" (with `result_code`, 4072 unless given), "unsent" or
    "unknown"; of these accepted and unknown messages arrive in the outbox.
    """

    shows_codes = True

    def __init__(self, *, outcome: str = "accepted", result_code: int = 4072, **options: Any) -> None:
        super().__init__(**options)
        self.outcome = Outcome(outcome)
        self.result_code = result_code

    def submit(self, phone: str, text: OutgoingText) -> Submission:
        """Keep one message, or fail as the options say."""
        if self.outcome in (Outcome.ACCEPTED, Outcome.UNKNOWN):
            outbox.append(self._keep(phone, text))
        return self._submission()

    def _keep(self, phone: str, text: OutgoingText) -> SentText:
        return SentText(
            phone=phone,
            content=text.content,
            code=text.code,
            template_id=text.template_id,
            channel=self.channel,
        )

    def _submission(self) -> Submission:
        words = f"{self.outcome.value}, as the options say"
        if self.outcome is Outcome.ACCEPTED:
            return Submission(outcome=self.outcome, code=2, text=words, platform_id=secrets.token_hex(10), elapsed=0.0)
        if self.outcome is Outcome.REFUSED:
            return Submission(outcome=self.outcome, code=self.result_code, text=words, elapsed=0.0)
        fault = "connection_refused" if self.outcome is Outcome.UNSENT else "connection_lost"
        return Submission(outcome=self.outcome, code=None, text=words, fault=fault, elapsed=0.0)
