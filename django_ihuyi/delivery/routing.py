"""Where a message goes: the channel that reaches its phone, and the route that leads to the call.

Both are decided once, before admission control and the guards are asked, and handed on as values. The one later change
is a queue that is down (`dispatch`).

A purpose with a POLICY prevents enumeration: the host decides which phones get a code, and no answer may show the
decision. So the caller gets the same answer in both cases, before the platform is called. If the policy returns False,
a decoy is written: a verification that no code verifies, and whose message is not sent.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from functools import cache
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from django_ihuyi import phones
from django_ihuyi.backends import get_backend
from django_ihuyi.conf import settings
from django_ihuyi.delivery.dispatchers.base import INLINE, PATHS, Dispatcher
from django_ihuyi.exceptions import InvalidPhone, UnavailableChannel
from django_ihuyi.models import State
from django_ihuyi.phones import fixed_codes

#: The fault of a message that a policy withheld, as the send log shows it.
POLICY_FAULT = "policy"


class Route(enum.Enum):
    """How a message gets to the platform."""

    #: The caller calls the platform, and waits for its answer.
    INLINE = "inline"
    #: A thread of this process calls after the caller got its answer, so that no answer shows a POLICY's decision.
    IN_PROCESS = "in_process"
    #: A worker of DISPATCHER's queue calls.
    QUEUE = "queue"
    #: A test number: the platform is not called.
    WITHHELD = "withheld"

    @property
    def first_state(self) -> State:
        """The state in which a message is first written."""
        return _FIRST_STATES[self]


_FIRST_STATES = {
    Route.INLINE: State.SENDING,
    Route.IN_PROCESS: State.QUEUED,
    Route.QUEUE: State.QUEUED,
    Route.WITHHELD: State.UNSENT,
}


def choose_route(phone: str, *, purpose: str = "") -> Route:
    """Return the route of a message; a notice has no purpose.

    Raises ImproperlyConfigured if DISPATCHER cannot be used.
    """
    if fixed_codes.find(phone):
        return Route.WITHHELD
    if settings.DISPATCHER != INLINE:
        get_dispatcher()  # raises, if it cannot be used, before anything is written
        return Route.QUEUE
    return choose_route_without_queue(purpose)


def choose_route_without_queue(purpose: str) -> Route:
    """Return the route of a message if there is no queue, or if it is down."""
    return Route.IN_PROCESS if prevents_enumeration(purpose) else Route.INLINE


def prevents_enumeration(purpose: str) -> bool:
    """Return True if a purpose has a POLICY; a notice, whose purpose is empty, has none."""
    return bool(settings.PURPOSES.get(purpose, {}).get("POLICY"))


def load_policy(purpose: str) -> Callable[[Any], bool]:
    """Return the policy of a purpose; without a POLICY one that always returns True. Raises ImportError."""
    path = settings.PURPOSES[purpose].get("POLICY")
    return import_string(path) if path else lambda _wanted: True


def get_dispatcher() -> Dispatcher:
    """Return the dispatcher that DISPATCHER names. Raises ImproperlyConfigured if it is unusable, or "inline"."""
    return load_dispatcher(PATHS.get(settings.DISPATCHER, settings.DISPATCHER))


@cache
def load_dispatcher(path: str) -> Dispatcher:
    """Return the dispatcher of a path, one for each process. Raises ImproperlyConfigured if it cannot be used."""
    try:
        dispatcher = import_string(path)()
    except Exception as error:
        # Any exception: the import runs the code of a queue's engine, with the host's settings for it.
        raise ImproperlyConfigured(f"IHUYI['DISPATCHER'] cannot be used: {type(error).__name__}: {error}") from error
    if not isinstance(dispatcher, Dispatcher):
        raise ImproperlyConfigured(f"IHUYI['DISPATCHER'] names {path}, which is not a subclass of Dispatcher")
    return dispatcher


def choose_channel(phone: str, wanted: str) -> str:
    """Return the channel that reaches a canonical number: "international" for a foreign one.

    Raises UnavailableChannel if the channel is not configured, or reaches only mainland numbers, and InvalidPhone for a
    number that DENIED_PREFIXES excludes.
    """
    if phones.is_denied(phone):
        raise InvalidPhone("numbers with this prefix are excluded by IHUYI['DENIED_PREFIXES']")
    channel = wanted
    if not phones.is_mainland(phone):
        channel = "international" if wanted == "sms" else wanted
        if channel != "international":
            raise UnavailableChannel("only the channel international reaches a foreign number")
    elif wanted == "international":
        raise UnavailableChannel("the channel international reaches foreign numbers only")
    check_channel(channel)
    return channel


def check_channel(channel: str) -> None:
    """Raise UnavailableChannel unless CHANNELS names the channel, and ImproperlyConfigured if it cannot be used."""
    if channel not in settings.CHANNELS:
        raise UnavailableChannel(f"IHUYI['CHANNELS'] does not name {channel!r}")
    get_backend(channel)
