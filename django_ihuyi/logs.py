"""Loggers whose handlers may fail: a log that cannot be written shall keep no code from being sent or believed.

And which say nothing of an error of the database but where it came from: its text may quote a row, and so a number.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    Adapter = logging.LoggerAdapter[logging.Logger]
else:
    Adapter = logging.LoggerAdapter


def get_logger(name: str) -> Adapter:
    """Return the logger of that name; what its handlers raise goes to stderr, if `logging.raiseExceptions` is on."""
    return _Steadfast(logging.getLogger(name), {})


class _Steadfast(Adapter):
    def exception(self, msg: object, *args: object, **kwargs: Any) -> None:
        error = sys.exc_info()[1]
        shown = _without_text(error) if error and _may_quote(error) else error
        self.log(logging.ERROR, msg, *args, **{"exc_info": shown, "stacklevel": 3, **kwargs})

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        try:
            super().log(level, msg, *args, **{"stacklevel": 2, **kwargs})
        except Exception:  # noqa: BLE001 - as logging's own handlers do, while others let fly what befalls them
            # Not the chain: what is being logged about is in it, and may quote a number.
            if logging.raiseExceptions:
                with contextlib.suppress(OSError):
                    traceback.print_exc(chain=False)


def _may_quote(error: BaseException) -> bool:
    """Say whether an error of the database is told with this one; by its name, because the client knows no Django."""
    if any(base.__module__ == "django.db.utils" for base in type(error).__mro__):
        return True
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return before is not None and _may_quote(before)


def _without_text(error: BaseException) -> BaseException:
    """Return an error of a class of its own that says the other's class, and where it was raised."""
    return _Withheld(type(error).__name__).with_traceback(error.__traceback__)


class _Withheld(Exception):
    """Stands in a log for an error whose text may quote a row."""
