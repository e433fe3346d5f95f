"""Bound the wait for PostgreSQL: neither psycopg nor libpq limits the wait for a statement's result."""

from __future__ import annotations

import re
import weakref
from collections.abc import Callable, Generator
from time import monotonic
from typing import Any

__all__ = ["end_waits"]

#: Seconds in which the server's own error, "canceling statement due to statement timeout", may arrive.
GRACE = 0.5
_SECONDS = {None: 0.001, "ms": 0.001, "s": 1, "min": 60, "h": 3_600, "d": 86_400}


def end_waits(sender: Any, connection: Any, **_: Any) -> None:
    """Bound the wait for each statement by the server's own `statement_timeout`.

    A receiver of `connection_created`. A server that is frozen, or whose disk hangs, cannot end a statement, and its
    machine still acknowledges every packet. Without this receiver a request would wait for as long as that lasts. With
    it the connection is closed and OperationalError raised. Connections without a `statement_timeout`, and those of
    psycopg2, stay as they are.
    """
    raw = connection.connection
    # psycopg2's connection has no `wait`. One in `vars` is ours: the signal was sent twice for this connection.
    if connection.vendor != "postgresql" or not hasattr(raw, "wait") or "wait" in vars(raw):
        return
    # SHOW answers as in `3500ms`, `5s` or `0`.
    [answer] = raw.execute("SHOW statement_timeout").fetchone()
    match = re.fullmatch(r"(\d+)(\D+)?", answer)
    if seconds := int(match[1]) * _SECONDS[match[2]] if match else 0:
        raw.wait = _bounded_wait(raw, psycopg=sender.Database, seconds=seconds + GRACE)


def _bounded_wait(raw: Any, *, psycopg: Any, seconds: float) -> Callable[..., Any]:
    """Return a `wait` for the connection which raises OperationalError if a statement takes longer than `seconds`."""
    # A weak reference: with a strong one the connection would refer to itself, and an abandoned one stay open.
    reference = weakref.ref(raw)

    def wait(waited: Any, *args: Any, **kwargs: Any) -> Any:
        raw: Any = reference()
        watched = _watch(waited, raw, psycopg=psycopg, deadline=monotonic() + seconds)
        return type(raw).wait(raw, watched, *args, **kwargs)

    return wait


def _watch(waited: Any, raw: Any, *, psycopg: Any, deadline: float) -> Generator[Any, Any, Any]:
    """Pass on what psycopg waits for. Its loop comes back ten times a second, also from a silent connection."""
    active = psycopg.pq.TransactionStatus.ACTIVE
    try:
        event = next(waited)
        while True:
            ready = yield event
            # A connection that listens for NOTIFY is not active, and may wait for ever.
            if not ready and monotonic() > deadline and raw.pgconn.transaction_status == active:
                raw.close()
                raise psycopg.OperationalError("the server does not answer; the connection is closed")
            event = waited.send(ready)
    except StopIteration as end:
        return end.value
