"""Findings about the policies of purposes."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.module_loading import import_string

from django_ihuyi.checks.findings import finding
from django_ihuyi.checks.names import sound


@finding("E062", hint="Name a function that takes what is wanted and returns True or False, by its path.")
def find_wrong_policies() -> Iterator[str]:
    """A purpose's POLICY cannot be imported, or is nothing that can be called: no code of it could be asked for."""
    for name, purpose in sound("PURPOSES").items():
        path = purpose.get("POLICY")
        if path is not None and not _is_callable(path):
            yield f"The purpose {name!r} has the POLICY {path!r}, which cannot be called."


def _is_callable(path: str) -> bool:
    try:
        return callable(import_string(path))
    except ImportError:
        return False
