"""Guards check a request, in the order of GUARDS, before its message is reserved: they refuse it or want a captcha."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.utils.module_loading import import_string
from django.views.decorators.debug import sensitive_variables

from django_ihuyi import signals
from django_ihuyi.conf import settings
from django_ihuyi.exceptions import IhuyiError, LimitReached
from django_ihuyi.guards.base import Guard, Wanted

__all__ = ["Guard", "Wanted"]

#: Retry-After, in seconds, of a request that needs a captcha which no guard can show.
_RETRY_AFTER = 60


class Passed:
    """The guards that a request has passed."""

    def __init__(self, wanted: Wanted, *, using: str) -> None:
        self._wanted = wanted
        self._using = using
        self._guards: list[Guard] = []

    # Marked here, too: before Python 3.11 the mark of a caller does not cover what a generator (`guarded`) calls.
    @sensitive_variables()
    def ask(self, guard: Guard) -> None:
        """Run the next guard on the request as the previous guard has returned it."""
        self._wanted = guard.check(self._wanted, using=self._using)
        self._guards.append(guard)

    @sensitive_variables()
    def give_back(self) -> None:
        """Undo what the guards counted, because no message left."""
        while self._guards:
            self._guards.pop().give_back(self._wanted, using=self._using)

    @property
    def captcha_reason(self) -> str:
        """The reason why a captcha is still wanted, or an empty text."""
        return self._wanted.captcha_reason


@contextmanager
def guarded(wanted: Wanted, *, using: str) -> Iterator[Passed]:
    """Run all guards, then the body; if either fails, give back what the guards counted.

    Raises the exception of the guard that refuses: LimitReached, CaptchaRequired, CaptchaFailed or SendingUnavailable.
    """
    passed = Passed(wanted, using=using)
    try:
        for path in settings.GUARDS:
            passed.ask(import_string(path)())
        if passed.captcha_reason:
            raise _refuse(passed.captcha_reason)
        yield passed
    except IhuyiError:  # every exception of this app means here that no message left
        passed.give_back()
        raise


def _refuse(reason: str) -> LimitReached:
    """Send `limit_hit` for a captcha that no guard can show, and return the exception to raise."""
    code = "global_limit"
    signals.limit_hit.send_robust(Guard, code=code, retry_after=_RETRY_AFTER, phone="", client="", reason=reason)
    return LimitReached(code, retry_after=_RETRY_AFTER)
