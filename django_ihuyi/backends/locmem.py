"""For tests of a host: messages stay in a list, and sending can be made to fail in each of the four ways."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from django_ihuyi.backends.base import BaseBackend
from django_ihuyi.client.outcomes import Outcome, Submission
from django_ihuyi.message_templates import OutgoingText


@dataclass(frozen=True, slots=True, kw_only=True)
class SentText:
    """A message that arrived in the outbox."""

    phone: str
    content: str = field(repr=False)
    code: str = field(repr=False)
    template_id: str | None = None


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
            outbox.append(SentText(phone=phone, content=text.content, code=text.code, template_id=text.template_id))
        return _SUBMISSIONS[self.outcome](self.result_code)


_SUBMISSIONS = {
    Outcome.ACCEPTED: lambda _: Submission(
        outcome=Outcome.ACCEPTED, code=2, text="提交成功", platform_id=secrets.token_hex(10), elapsed=0.0
    ),
    Outcome.REFUSED: lambda code: Submission(
        outcome=Outcome.REFUSED, code=code, text="refused by the options", elapsed=0.0
    ),
    Outcome.UNSENT: lambda _: Submission(
        outcome=Outcome.UNSENT, code=None, text="unsent by the options", fault="connection_refused", elapsed=0.0
    ),
    Outcome.UNKNOWN: lambda _: Submission(
        outcome=Outcome.UNKNOWN, code=None, text="unknown by the options", fault="connection_lost", elapsed=0.0
    ),
}
