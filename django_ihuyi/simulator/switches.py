"""What is ordered for a number or for all: an answer, a fault, a fate, for so many times or until taken back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class ForcedAnswer:
    """A result code to answer with, in words of its own if it has any."""

    code: int
    text: str = ""


@dataclass(slots=True)
class _Order(Generic[Value]):
    value: Value
    times: int | None


class Switches(Generic[Value]):
    """One order for each number, and one for all that have none of their own."""

    def __init__(self) -> None:
        self._orders: dict[str | None, _Order[Value]] = {}

    def order(self, mobile: str | None, value: Value | None, *, times: int | None = None) -> None:
        """Order for this number (None: for all), so many times (None: until it is taken back, by ordering None)."""
        if value is None:
            self._orders.pop(mobile, None)
        else:
            self._orders[mobile] = _Order(value, times)

    def peek(self, mobile: str) -> Value | None:
        """Return what is ordered for a number."""
        order = self._orders.get(mobile) or self._orders.get(None)
        return order.value if order else None

    def take(self, mobile: str) -> Value | None:
        """Return what is ordered for a number, and count it as done once."""
        key = mobile if mobile in self._orders else None
        order = self._orders.get(key)
        if order is None:
            return None
        if order.times is not None:
            order.times -= 1
            if order.times <= 0:
                del self._orders[key]
        return order.value
