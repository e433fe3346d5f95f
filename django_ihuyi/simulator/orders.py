"""Read what a person or a test asks of the simulator over HTTP."""

from __future__ import annotations

from dataclasses import dataclass

from django_ihuyi.simulator.results import SUCCESS


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """To answer a number (None: every request) with a code (None: by the rules again)."""

    code: int | None
    mobile: str | None
    text: str
    times: int | None


def read_order(data: object) -> Order:
    """Read an order from JSON, or raise ValueError."""
    if not isinstance(data, dict) or "code" not in data:
        raise ValueError("an object with a code is needed")
    if data["code"] == SUCCESS:
        raise ValueError("success cannot be ordered: take the order back with null")
    return Order(
        code=_integer(data["code"], low=0, high=99_999),
        mobile=_text(data.get("mobile")),
        text=_text(data.get("text")) or "",
        times=_integer(data.get("times"), low=1, high=1_000_000),
    )


def _integer(value: object, *, low: int, high: int) -> int | None:
    if value is None:
        return None
    if type(value) is not int or not low <= value <= high:
        raise ValueError("not a number that can be ordered")
    return value


def _text(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value.isprintable() or len(value) > 200:
        raise ValueError("not a text that can be ordered")
    return value
