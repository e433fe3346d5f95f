"""How far a batch has come: counted by the database, told in a line."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic

from django.utils.translation import gettext as _

from django_ihuyi.models import State
from django_ihuyi.models.batches import BatchRow

_SENT = (State.SUBMITTED, State.DELIVERED, State.UNDELIVERED)
_OPEN = (State.QUEUED, State.SENDING)


@dataclass(kw_only=True)
class Progress:
    """A batch that is under way."""

    batch: str
    #: The rows of its file.
    total: int
    using: str
    #: Why rows became no message, in this run: {reason: how many}.
    refused: Counter[str] = field(default_factory=Counter)
    #: What the messages have become: {state: how many}.
    states: Counter[str] = field(default_factory=Counter)
    #: What was done when this run began, and when that was.
    _done_before: int = 0
    _began: float = 0.0

    def begin(self) -> None:
        """Count what an earlier run has done; the rate is that of this one."""
        self.count()
        self._done_before, self._began = self.done, monotonic()

    def count(self) -> None:
        """Ask the database."""
        self.states = BatchRow.objects.using(self.using).count_states(self.batch)

    @property
    def open(self) -> int:
        """Messages that wait in the queue, or are being sent."""
        return self._sum(_OPEN)

    @property
    def done(self) -> int:
        """Rows that have come to an end."""
        return self.refused.total() + self.states.total() - self.open

    @property
    def sent(self) -> int:
        """Messages that have left, and those that may have."""
        return self._sum((*_SENT, State.UNKNOWN))

    def tell(self) -> str:
        """Say it in a line."""
        rate = (self.done - self._done_before) / max(monotonic() - self._began, 0.001)
        rest = self.total - self.done
        return _(
            "%(done)d of %(total)d: %(sent)d sent, %(unknown)d unknown, %(refused)d refused, %(unsent)d unsent, "
            "%(open)d on their way; %(rate).1f a second, %(left)s left"
        ) % {
            "done": self.done,
            "total": self.total,
            "sent": self._sum(_SENT),
            "unknown": self.states[State.UNKNOWN],
            "refused": self.states[State.REFUSED] + self.refused.total(),
            "unsent": self.states[State.UNSENT],
            "open": self.open,
            "rate": rate,
            "left": timedelta(seconds=round(rest / rate)) if rate > 0 else "?",
        }

    def _sum(self, states: tuple[State, ...]) -> int:
        return sum(self.states[state] for state in states)
