"""Types of the faults that can be ordered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django_ihuyi.simulator.answers import Answer
from django_ihuyi.simulator.wsgi import Response


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """The answer without the fault."""

    answer: Answer
    as_json: bool
    id_field: str
    response: Response


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A way in which an answer goes wrong."""

    name: str
    meaning: str
    spoil: Callable[[Usual], Response]
    #: True if only the simulator's own server can produce the fault: WSGI gives an app no access to the connection.
    needs_socket: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultOrder:
    """An order for a fault. The client cannot see whether the message was taken."""

    name: str
    is_taken: bool = True
