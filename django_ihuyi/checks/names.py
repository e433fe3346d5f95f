"""Findings about the names and types of settings, and how the other findings read a setting."""

from __future__ import annotations

import collections.abc
import difflib
from collections.abc import Callable, Iterator
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from django_ihuyi.checks.findings import finding, is_unreadable
from django_ihuyi.conf import Settings, settings

#: The type of each setting, from its annotation in conf.py.
TYPES: dict[str, Any] = get_type_hints(Settings)


@finding("E001", hint="Write IHUYI = {…} in your settings, or remove it.")
def find_no_dict() -> Iterator[str]:
    """IHUYI is not a dict."""
    if is_unreadable():
        yield f"IHUYI is a {type(django_settings.IHUYI).__name__}, not a dict."


@finding("E002", hint="Correct the name: the settings reference lists every setting.")
def find_unknown_names() -> Iterator[str]:
    """IHUYI has an unknown key, usually a typing error. Its value is ignored."""
    for name in getattr(django_settings, "IHUYI", {}):
        if name not in TYPES:
            near = difflib.get_close_matches(str(name), TYPES, n=1)
            yield f"IHUYI has no setting {name!r}." + (f" Did you mean {near[0]!r}?" if near else "")


@finding("E003", hint="Correct the value: the settings reference shows an example of each setting.")
def find_wrong_types() -> Iterator[str]:
    """A setting's value has the wrong type."""
    for name, kind in TYPES.items():
        if not fits(getattr(settings, name), kind):  # the value is not printed: it may contain a key
            yield f"IHUYI[{name!r}] must be of the type {Settings.__annotations__[name]}."


def sound(name: str) -> Any:
    """Return a setting, or its default where the value has the wrong type, which ihuyi.E003 reports."""
    value = getattr(settings, name)
    return value if fits(value, TYPES[name]) else Settings.__dict__[name]


def fits(value: Any, kind: Any) -> bool:
    """Return True if a value has an annotated type, including its keys and items."""
    container, parts = get_origin(kind), get_args(kind)
    if kind is Any:
        return True
    if container in (Union, UnionType) and any(map(get_origin, parts)):  # isinstance takes no Sequence[str] | None
        return any(fits(value, part) for part in parts)
    if container is collections.abc.Mapping:
        return isinstance(value, collections.abc.Mapping) and all(
            fits(key, parts[0]) and fits(item, parts[1]) for key, item in value.items()
        )
    if container is collections.abc.Sequence:
        return isinstance(value, (list, tuple)) and all(fits(item, parts[0]) for item in value)
    return type(value) is int if kind is int else isinstance(value, kind)  # True is an instance of int


def accepts(parse: Callable[[Any], object], value: Any) -> bool:
    """Return True if `parse` takes a value without an error."""
    try:
        parse(value)
    except (ValueError, ImproperlyConfigured):
        return False
    return True


def load(path: str) -> Any:
    """Return the object at a dotted path, or None if it cannot be imported."""
    try:
        return import_string(path)
    except ImportError:
        return None


def has_guard(base: type) -> bool:
    """Return True if GUARDS names `base` or a subclass of it."""
    return any(is_guard(path, base) for path in sound("GUARDS"))


def is_guard(path: str, base: type) -> bool:
    """Return True if a dotted path leads to `base` or a subclass of it."""
    guard = load(path)
    return isinstance(guard, type) and issubclass(guard, base)
