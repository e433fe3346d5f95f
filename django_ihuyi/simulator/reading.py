"""Read values of posted JSON; raise ValueError with the expected form."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

Fields = Mapping[str, Any]


def read_fields(data: object, *, known: Collection[str], needed: Collection[str] = ()) -> Fields:
    """Return an object that has every needed field and no unknown one."""
    if not isinstance(data, dict):
        raise ValueError("an object is needed")
    missing = [name for name in needed if name not in data]
    unknown = [name for name in data if name not in known]
    if missing or unknown:
        raise ValueError(f"needed: {', '.join(needed) or 'nothing'}; known: {', '.join(known)}")
    return data


def read_integer(fields: Fields, name: str, *, low: int, high: int) -> int | None:
    """Return an integer, or None if the field is missing or null."""
    value = fields.get(name)
    if value is None:
        return None
    if type(value) is not int or not low <= value <= high:
        raise ValueError(f"{name} must be a number from {low} to {high}")
    return value


def read_seconds(fields: Fields, name: str) -> float | None:
    """Return a duration in seconds, or None if the field is missing or null."""
    value = fields.get(name)
    if value is None:
        return None
    if type(value) not in (int, float) or not 0 <= value <= 86_400:
        raise ValueError(f"{name} must be seconds, at most a day")
    return float(value)


def read_text(fields: Fields, name: str, *, longest: int = 200) -> str | None:
    """Return a printable text, or None if the field is missing or null."""
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value.isprintable() or len(value) > longest:
        raise ValueError(f"{name} must be a printable text of at most {longest} characters")
    return value


def read_switch(fields: Fields, name: str, *, default: bool) -> bool:
    """Return true or false."""
    value = fields.get(name, default)
    if type(value) is not bool:
        raise ValueError(f"{name} must be true or false")
    return value


def read_choice(fields: Fields, name: str, choices: Collection[str]) -> str | None:
    """Return one of `choices`, or None if the field is missing or null."""
    value = fields.get(name)
    if value is not None and value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}")
    return value


def read_texts(fields: Fields, name: str) -> tuple[str, ...]:
    """Return a list of printable texts."""
    values = fields.get(name)
    if not isinstance(values, list) or len(values) > 1000:
        raise ValueError(f"{name} must be a list of texts")
    return tuple(read_text({name: value}, name) or "" for value in values)
