"""An end to the wait for PostgreSQL: neither psycopg nor libpq has one, once a statement has left."""

from __future__ import annotations

import re
import weakref
from collections.abc import Generator
from time import monotonic
from typing import Any

__all__ = ["end_waits"]

#: Seconds that the server's own word, "canceling statement due to statement timeout", may be on its way.
GRACE = 0.5
_SECONDS = {None: 0.001, "ms": 0.001, "s": 1, "min": 60, "h": 3_600, "d": 86_400}


def end_waits(sender: Any, connection: Any, **_: Any) -> None:
    """Let no statement be waited for longer than the server itself may take for it, its `statement_timeout`.

    A receiver of `connection_created`. Without it a server that is frozen, or whose disk hangs, keeps a request for as
    long as it likes: it cannot end the statement, and its machine still acknowledges every packet. The connection is
    closed then, and OperationalError raised. Connections without a `statement_timeout`, and those of psycopg2, are left
    as they are.
    """
    raw = connection.connection
    if connection.vendor != "postgresql" or not hasattr(raw, "wait") or "wait" in vars(raw):  # once is enough
        return
    [answer] = raw.execute("SHOW statement_timeout").fetchone()
    if seconds := _to_seconds(answer):
        raw.wait = _Waits(raw, psycopg=sender.Database, patience=seconds + GRACE).wait


def _to_seconds(setting: str) -> float:
    """Return what SHOW says of a time, as in `3500ms` or `5s`, in seconds."""
    match = re.fullmatch(r"(\d+)(\D+)?", setting)
    return int(match[1]) * _SECONDS[match[2]] if match else 0


class _Waits:
    def __init__(self, raw: Any, *, psycopg: Any, patience: float) -> None:
        # Weak, so that a connection that nobody holds any more is closed at once, as without us.
        self._raw = weakref.ref(raw)
        self._psycopg = psycopg
        self._patience = patience

    def wait(self, waited: Any, *args: Any, **kwargs: Any) -> Any:
        """Wait as psycopg does, which comes back from a connection that says nothing ten times a second."""
        raw: Any = self._raw()
        waited = self._until(monotonic() + self._patience, waited, raw)
        return type(raw).wait(raw, waited, *args, **kwargs)

    def _until(self, deadline: float, waited: Any, raw: Any) -> Generator[Any, Any, Any]:
        try:
            wish = next(waited)
            while True:
                ready = yield wish
                if not ready and monotonic() > deadline and self._is_under_way(raw):
                    raw.close()
                    raise self._psycopg.OperationalError("the server does not answer; the connection is closed")
                wish = waited.send(ready)
        except StopIteration as end:
            return end.value

    def _is_under_way(self, raw: Any) -> bool:
        # Whoever listens to NOTIFY waits without a statement, and for as long as it takes.
        return bool(raw.pgconn.transaction_status == self._psycopg.pq.TransactionStatus.ACTIVE)
