"""Everything that the simulator stores and a reset forgets, but for the accounts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from django_ihuyi.simulator.faults import FaultOrder
from django_ihuyi.simulator.inbox import Inbox
from django_ihuyi.simulator.pushes import Fate
from django_ihuyi.simulator.records import Journal

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class ForcedAnswer:
    """A result code to answer with; without `text`, in the platform's words."""

    code: int
    text: str = ""


@dataclass(slots=True)
class _Order(Generic[Value]):
    value: Value
    times: int | None


class Orders(Generic[Value]):
    """One order for each number, and one for all numbers without their own."""

    def __init__(self) -> None:
        self._orders: dict[str | None, _Order[Value]] = {}

    def put(self, mobile: str | None, value: Value | None, *, times: int | None = None) -> None:
        """Order `value` for a number (None: for all), `times` times (None: for good); a value of None takes it back."""
        if value is None:
            self._orders.pop(mobile, None)
        else:
            self._orders[mobile] = _Order(value, times)

    def peek(self, mobile: str) -> Value | None:
        """Return the order for a number."""
        order = self._orders.get(mobile) or self._orders.get(None)
        return order.value if order else None

    def take(self, mobile: str) -> Value | None:
        """Return the order for a number, and count one use of it."""
        key = mobile if mobile in self._orders else None
        order = self._orders.get(key)
        if order is None:
            return None
        if order.times is not None:
            order.times -= 1
            if order.times <= 0:
                del self._orders[key]
        return order.value


class State:
    """Phones, journal and orders. Use it only while holding the simulator's lock."""

    def __init__(self, *, keep: int) -> None:
        self._keep = keep
        self.clear()

    def clear(self) -> None:
        """Start empty, also with a new epoch of the inbox."""
        self.inbox = Inbox(self._keep)
        self.journal = Journal(self._keep)
        self.answers: Orders[ForcedAnswer] = Orders()
        self.faults: Orders[FaultOrder] = Orders()
        self.fates: Orders[Fate] = Orders()
