"""Loggers whose handlers may fail: a log that cannot be written shall keep no code from being sent or believed."""

from __future__ import annotations

import contextlib
import logging
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
    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        try:
            super().log(level, msg, *args, **{"stacklevel": 2, **kwargs})
        except Exception:  # noqa: BLE001 - as logging's own handlers do, while others let fly what befalls them
            # Not the chain: what is being logged about is in it, and may quote a number.
            if logging.raiseExceptions:
                with contextlib.suppress(OSError):
                    traceback.print_exc(chain=False)
