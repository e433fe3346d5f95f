"""Guards: asked, in the order of GUARDS, before a message is reserved; each may refuse, or want a captcha."""

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

#: Seconds after which a caller may come back when a captcha is wanted and no guard can show one.
_RETRY_AFTER = 60


class Passed:
    """The guards that let a request pass."""

    def __init__(self, wanted: Wanted, *, using: str) -> None:
        self._wanted = wanted
        self._using = using
        self._guards: list[Guard] = []

    # Here, too: a mark around `guarded` does not reach through a generator before Python 3.11.
    @sensitive_variables()
    def ask(self, guard: Guard) -> None:
        """Let a further guard judge the request as the one before it has left it."""
        self._wanted = guard.check(self._wanted, using=self._using)
        self._guards.append(guard)

    @sensitive_variables()
    def give_back(self) -> None:
        """Undo what they counted: no message left."""
        while self._guards:
            self._guards.pop().give_back(self._wanted, using=self._using)

    @property
    def captcha_reason(self) -> str:
        """Why a captcha is still wanted, empty if none is."""
        return self._wanted.captcha_reason


@contextmanager
def guarded(wanted: Wanted, *, using: str) -> Iterator[Passed]:
    """Ask all guards, then do what stands inside; what they counted is given back if that fails.

    Raises what a guard refuses with (LimitReached, CaptchaRequired, CaptchaFailed, SendingUnavailable).
    """
    passed = Passed(wanted, using=using)
    try:
        for path in settings.GUARDS:
            passed.ask(import_string(path)())
        if passed.captcha_reason:
            raise _refuse(passed.captcha_reason)
        yield passed
    except IhuyiError:  # whatever of ours is raised in here, no message left
        passed.give_back()
        raise


def _refuse(reason: str) -> LimitReached:
    """Tell the listeners that a captcha is wanted which no guard can show, and return the error to raise."""
    code = "global_limit"
    signals.limit_hit.send_robust(Guard, code=code, retry_after=_RETRY_AFTER, phone="", client="", reason=reason)
    return LimitReached(code, retry_after=_RETRY_AFTER)
