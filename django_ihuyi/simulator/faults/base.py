"""What a fault is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django_ihuyi.simulator.answers import Answer
from django_ihuyi.simulator.wsgi import Response


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """What would have been answered."""

    answer: Answer
    as_json: bool
    id_field: str
    response: Response


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that goes wrong with an answer."""

    name: str
    meaning: str
    spoil: Callable[[Usual], Response]
    #: Only the simulator's own server can show it: a WSGI app has no hold of the connection.
    needs_socket: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultOrder:
    """To let a fault happen; the message is taken or not, which the client cannot see."""

    name: str
    is_taken: bool = True
