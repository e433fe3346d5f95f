"""Findings about IHUYI as such: its names, and the types of its values."""

from __future__ import annotations

import collections.abc
import difflib
from collections.abc import Iterator
from typing import Any, get_args, get_origin, get_type_hints

from django.conf import settings as django_settings

from django_ihuyi.checks.findings import finding, is_unreadable
from django_ihuyi.conf import Settings, settings

#: How each setting is annotated in conf.py, which is what its value is judged by.
TYPES: dict[str, Any] = get_type_hints(Settings)


@finding("E001", hint="Write IHUYI = {…} in your settings, or leave it out.")
def find_no_dict() -> Iterator[str]:
    """IHUYI is not a dict."""
    if is_unreadable():
        yield f"IHUYI is a {type(django_settings.IHUYI).__name__}, not a dict."


@finding("E002", hint="The reference of settings lists every name.")
def find_unknown_names() -> Iterator[str]:
    """IHUYI has a key that is no setting: mostly a slip of the pen, and its value is not used."""
    for name in getattr(django_settings, "IHUYI", {}):
        if name not in TYPES:
            near = difflib.get_close_matches(str(name), TYPES, n=1)
            yield f"IHUYI has no setting {name!r}." + (f" Did you mean {near[0]!r}?" if near else "")


@finding("E003", hint="The reference of settings shows an example of each.")
def find_wrong_types() -> Iterator[str]:
    """A setting's value is of another type than the setting."""
    for name, kind in TYPES.items():
        if not fits(getattr(settings, name), kind):  # the value is not shown: it may hold a key
            yield f"IHUYI[{name!r}] must be of the type {Settings.__annotations__[name]}."


def sound(name: str) -> Any:
    """Read a setting, or its default where ihuyi.E003 has something to say about its value."""
    value = getattr(settings, name)
    return value if fits(value, TYPES[name]) else Settings.__dict__[name]


def fits(value: Any, kind: Any) -> bool:
    """Say whether a value is of an annotated type, all the way down."""
    container, parts = get_origin(kind), get_args(kind)
    if kind is Any:
        return True
    if container is collections.abc.Mapping:
        return isinstance(value, collections.abc.Mapping) and all(
            fits(key, parts[0]) and fits(item, parts[1]) for key, item in value.items()
        )
    if container is collections.abc.Sequence:
        return isinstance(value, (list, tuple)) and all(fits(item, parts[0]) for item in value)
    return type(value) is int if kind is int else isinstance(value, kind)  # True is an int by birth only
