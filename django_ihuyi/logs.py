"""Loggers that a failing handler cannot break, and that hide the texts of database errors.

A log that cannot be written must not stop a code from being sent or verified. The text of a database error may quote
a row, and with it a phone number.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import traceback
from typing import Any


def get_logger(name: str) -> logging.LoggerAdapter[logging.Logger]:
    """Return the logger of that name. Errors of its handlers go to stderr, if `logging.raiseExceptions` is on."""
    return _SafeLogger(logging.getLogger(name), {})


class _SafeLogger(logging.LoggerAdapter):  # type: ignore[type-arg]  # no generic class before Python 3.11
    def exception(self, msg: object, *args: object, **kwargs: Any) -> None:
        error = sys.exc_info()[1]
        shown = error
        if error and _may_quote(error):
            shown = _Withheld(type(error).__name__).with_traceback(error.__traceback__)
        self.log(logging.ERROR, msg, *args, **{"exc_info": shown, "stacklevel": 3, **kwargs})

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        try:
            # Two frames up, so that the record names the caller's line and not this one.
            super().log(level, msg, *args, **{"stacklevel": 2, **kwargs})
        except Exception:  # noqa: BLE001 - handlers of logging itself do the same, but those of others may raise
            # Without the chain: the error that is being logged is in it, and may quote a number.
            if logging.raiseExceptions:
                with contextlib.suppress(OSError):
                    traceback.print_exc(chain=False)


def _may_quote(error: BaseException) -> bool:
    """Return True if a database error is, or caused, this one. By its module's name: this module imports no Django."""
    if any(base.__module__ == "django.db.utils" for base in type(error).__mro__):
        return True
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return before is not None and _may_quote(before)


class _Withheld(Exception):
    """Replaces an error in a log, to show its class and traceback without its text."""
