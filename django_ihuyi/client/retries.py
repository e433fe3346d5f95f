"""Let whoever has a call made decide whether it may be tried once more, where it certainly did not leave."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_judge: ContextVar[Callable[[], bool] | None] = ContextVar("django_ihuyi.client.retries", default=None)


@contextmanager
def allowed_by(judge: Callable[[], bool]) -> Iterator[None]:
    """Have the judge asked before each second try that is made inside."""
    token = _judge.set(judge)
    try:
        yield
    finally:
        _judge.reset(token)


def is_allowed() -> bool:
    """Say whether a second try may be made now; without a judge it may."""
    judge = _judge.get()
    return judge is None or judge()
