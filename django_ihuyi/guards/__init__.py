"""Guards check a request, in the order of GUARDS, before its message is reserved: they refuse it or want a captcha."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.utils.module_loading import import_string
from django.views.decorators.debug import sensitive_variables

from django_ihuyi import signals
from django_ihuyi.conf import settings
from django_ihuyi.exceptions import IhuyiError, LimitReached

__all__ = ["Guard", "Wanted"]

#: Retry-After, in seconds, of a request that needs a captcha which no guard can show.
_RETRY_AFTER = 60


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


class Guard(ABC):
    """Base class of guards. Name a subclass in GUARDS; each request gets an instance of its own."""

    @abstractmethod
    def check(self, wanted: Wanted, *, using: str) -> Wanted:
        """Return the request for the next guard, or raise a NotSent to refuse it."""

    def give_back(self, wanted: Wanted, *, using: str) -> None:  # noqa: B027 - most guards count nothing
        """Undo what `check` counted, because the request was refused later or its message did not leave."""


class Passed:
    """The guards that a request has passed."""

    def __init__(self, wanted: Wanted, *, using: str) -> None:
        self.wanted = wanted
        self._using = using
        self._guards: list[Guard] = []

    # Marked here, too: before Python 3.11 the mark of a caller does not cover what a generator (`guarded`) calls.
    @sensitive_variables()
    def ask(self, guard: Guard) -> None:
        """Run the next guard on the request as the previous guard has returned it."""
        self.wanted = guard.check(self.wanted, using=self._using)
        self._guards.append(guard)

    @sensitive_variables()
    def give_back(self) -> None:
        """Undo what the guards counted, because no message left."""
        while self._guards:
            self._guards.pop().give_back(self.wanted, using=self._using)


@contextmanager
def guarded(wanted: Wanted, *, using: str) -> Iterator[Passed]:
    """Run all guards, then the body; if either fails, give back what the guards counted.

    Raises the exception of the guard that refuses: LimitReached, CaptchaRequired, CaptchaFailed or SendingUnavailable.
    """
    passed = Passed(wanted, using=using)
    try:
        for path in settings.GUARDS:
            passed.ask(import_string(path)())
        if reason := passed.wanted.captcha_reason:
            code, wait = "global_limit", _RETRY_AFTER
            signals.limit_hit.send_robust(Guard, code=code, retry_after=wait, phone="", client="", reason=reason)
            raise LimitReached(code, retry_after=wait)
        yield passed
    except IhuyiError:  # every exception of this app means here that no message left
        passed.give_back()
        raise
