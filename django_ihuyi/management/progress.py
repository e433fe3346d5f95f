"""The progress of a batch, counted in the database and printed in one line."""

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
    """The progress of one batch."""

    batch: str
    #: Rows of the file.
    total: int
    using: str
    #: Rows of this run that did not become a message: {reason: count}.
    refused: Counter[str] = field(default_factory=Counter)
    #: Messages of all runs: {state: count}.
    states: Counter[str] = field(default_factory=Counter)
    #: Rows done before this run, and its start: the rate is that of this run.
    _done_before: int = 0
    _began: float = 0.0

    def begin(self) -> None:
        """Count the rows that earlier runs have finished."""
        self.count()
        self._done_before, self._began = self.done, monotonic()

    def count(self) -> None:
        """Read the states of the messages from the database."""
        self.states = BatchRow.objects.using(self.using).count_states(self.batch)

    @property
    def open(self) -> int:
        """Return the number of messages that are queued or being sent."""
        return self._sum(_OPEN)

    @property
    def done(self) -> int:
        """Return the number of rows that are finished."""
        return self.refused.total() + self.states.total() - self.open

    @property
    def sent(self) -> int:
        """Return the number of messages that were sent, or may have been."""
        return self._sum((*_SENT, State.UNKNOWN))

    def tell(self) -> str:
        """Return the progress as one line of text."""
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
