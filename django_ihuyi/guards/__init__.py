"""Guards check a request, in the order of GUARDS, before its message is reserved: they refuse it or want a captcha.

A guard that counts messages counts in `claim`, which is called once all guards and the limits of the number have
admitted the message. So a request without a captcha spends nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.module_loading import import_string
from django.views.decorators.debug import sensitive_variables

from django_ihuyi import signals
from django_ihuyi.conf import settings
from django_ihuyi.exceptions import IhuyiError, LimitReached

__all__ = ["Guard", "Wanted"]

# By its path, because it imports this module.
_CEILING = "django_ihuyi.guards.ceiling.Ceiling"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A requested code: the input of guards and of a purpose's policy."""

    #: The canonical number.
    phone: str = field(repr=False)
    purpose: str
    channel: str
    #: The requester's address in the form of `client_of`, and the primary key of their user; empty if not known.
    client: str = ""
    user: str = ""
    #: True if the request has a device mark of this phone.
    is_marked: bool = False
    #: The answer to a captcha, unchecked, as it came with the request.
    captcha: Mapping[str, Any] | None = field(default=None, repr=False)
    #: The reason why an earlier guard wants a captcha. A captcha guard empties it when the captcha is solved.
    captcha_reason: str = ""
    #: Retry-After, in seconds, if no guard can show the captcha.
    captcha_wait: int = 60
    #: True once a captcha was solved.
    is_captcha_solved: bool = False
    #: True if the platform refused the message for the number's sake.
    is_refused: bool = False


class Guard(ABC):
    """Base class of guards. Name a subclass in GUARDS; each request gets an instance of its own."""

    @abstractmethod
    def check(self, wanted: Wanted, *, using: str) -> Wanted:
        """Return the request for the next guard, or raise a NotSent to refuse it."""

    def claim(self, wanted: Wanted, *, using: str) -> Wanted:  # noqa: ARG002 - most guards count nothing
        """Count the message, which is about to be reserved. Return the request, or raise a NotSent to refuse it.

        A request that is returned with a `captcha_reason` must solve a captcha after all: every guard checks it again.
        """
        return wanted

    def give_back(self, wanted: Wanted, *, using: str) -> None:  # noqa: B027 - most guards count nothing
        """Undo what was counted, because the request was refused later or its message did not leave.

        `wanted.is_refused` tells that the platform was asked, and refused the number.
        """


class CaptchaWanted(LimitReached):
    """A captcha is wanted by a guard's `claim`, when all guards had already passed the request."""

    def __init__(self, wanted: Wanted) -> None:
        super().__init__("global_limit", retry_after=wanted.captcha_wait)
        self.wanted = wanted


class Passed:
    """The guards that a request has passed."""

    def __init__(self, wanted: Wanted, *, using: str) -> None:
        self.wanted = wanted
        self._using = using
        self._guards: list[Guard] = []
        self._unclaimed: list[Guard] = []

    # Marked here, too: before Python 3.11 the mark of a caller does not cover what a generator (`guarded`) calls.
    @sensitive_variables()
    def ask(self, guard: Guard) -> None:
        """Run the next guard on the request as the previous guard has returned it."""
        reason = self.wanted.captcha_reason
        self.wanted = guard.check(self.wanted, using=self._using)
        if reason and not self.wanted.captcha_reason:
            self.wanted = replace(self.wanted, is_captcha_solved=True)
        self._guards.append(guard)
        self._unclaimed.append(guard)

    @sensitive_variables()
    def claim(self) -> None:
        """Let every guard count the message, once. Raise CaptchaWanted if one wants a captcha after all."""
        while self._unclaimed:
            self.wanted = self._unclaimed[0].claim(self.wanted, using=self._using)
            if self.wanted.captcha_reason:
                raise CaptchaWanted(self.wanted)
            del self._unclaimed[0]

    @sensitive_variables()
    def give_back(self, *, is_refused: bool = False) -> None:
        """Undo what the guards counted, because no message left."""
        wanted = replace(self.wanted, is_refused=is_refused)
        while self._guards:
            self._guards.pop().give_back(wanted, using=self._using)


@contextmanager
def guarded(wanted: Wanted, *, using: str) -> Iterator[Passed]:
    """Run all guards, then the body; if either fails, give back what the guards counted.

    Raises the exception of the guard that refuses: LimitReached, CaptchaRequired, CaptchaFailed or SendingUnavailable.
    """
    passed = Passed(wanted, using=using)
    try:
        for path in (*settings.GUARDS, _CEILING):
            passed.ask(import_string(path)())
        if reason := passed.wanted.captcha_reason:
            code, wait = "global_limit", passed.wanted.captcha_wait
            signals.limit_hit.send_robust(Guard, code=code, retry_after=wait, phone="", client="", reason=reason)
            raise LimitReached(code, retry_after=wait)
        yield passed
    except IhuyiError:  # every exception of this app means here that no message left
        passed.give_back()
        raise


def has_guard(base: type[Guard]) -> bool:
    """Return True if GUARDS names `base` or a subclass of it."""
    guards = [import_string(path) for path in settings.GUARDS]
    return any(isinstance(guard, type) and issubclass(guard, base) for guard in guards)
