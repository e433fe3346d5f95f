"""A backend for tests of a host: it keeps messages in a list, and returns any of the four outcomes."""

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
    """A message in the outbox."""

    phone: str = field(repr=False)
    content: str = field(repr=False)
    code: str = field(repr=False)
    template_id: str | None = None
    channel: str = "sms"


#: The sent messages, oldest first; clear it between tests.
outbox: list[SentText] = []


class LocmemBackend(BaseBackend):
    """Keep messages in `outbox`.

    Options: `outcome` is "accepted" (the default), "refused" (with `result_code`, 4072 unless given), "unsent" or
    "unknown". Accepted and unknown messages arrive in the outbox.
    """

    shows_codes = True

    def __init__(self, *, outcome: str = "accepted", result_code: int = 4072, **options: Any) -> None:
        super().__init__(**options)
        self.outcome = Outcome(outcome)
        self.result_code = result_code

    def submit(self, phone: str, text: OutgoingText) -> Submission:
        """Keep one message, or fail as the options say."""
        if self.outcome in (Outcome.ACCEPTED, Outcome.UNKNOWN):
            outbox.append(
                SentText(
                    phone=phone,
                    content=text.content,
                    code=text.code,
                    template_id=text.template_id,
                    channel=self.channel,
                )
            )
        results: dict[Outcome, dict[str, Any]] = {
            Outcome.ACCEPTED: {"code": 2, "platform_id": secrets.token_hex(10)},
            Outcome.REFUSED: {"code": self.result_code},
            Outcome.UNSENT: {"code": None, "fault": "connection_refused"},
            Outcome.UNKNOWN: {"code": None, "fault": "connection_lost"},
        }
        text_of_result = f"{self.outcome.value}, as the options say"
        return Submission(outcome=self.outcome, text=text_of_result, elapsed=0.0, **results[self.outcome])
