"""Findings, and their registration as Django system checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's own name
from django.db import connections

#: `manage.py check --tag ihuyi` runs the checks of this app only.
TAG = "ihuyi"
#: Where IHUYI is not a dict, no other check can read it: only this one runs.
UNREADABLE = "ihuyi.E001"

#: All findings by their ids, in the order of the documentation.
FINDINGS: dict[str, Finding] = {}

Find = Callable[..., Iterable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that can be wrong: `find` yields one sentence for each place where it is wrong."""

    id: str
    find: Find
    #: The next step for the reader.
    hint: str
    #: True if only `check --deploy` runs it.
    deploy: bool
    #: True if it queries the databases: then only `migrate` and `check --database` run it.
    asks_databases: bool

    @property
    def meaning(self) -> str:
        """Return the sentence that the documentation has for this finding."""
        return (self.find.__doc__ or "").strip()

    def as_check(self) -> Callable[..., list[CheckMessage]]:
        """Return the function for Django to call."""

        # A function, because Django sets attributes on it, which a bound method does not allow.
        def check(databases: Iterable[str] | None = None, **_: Any) -> list[CheckMessage]:
            level = Error if ".E" in self.id else Warning
            return [level(complaint, hint=self.hint, id=self.id) for complaint in self._find(databases or ())]

        return check

    def _find(self, databases: Iterable[str]) -> Iterator[str]:
        if self.asks_databases:
            for alias in databases:
                yield from self.find(connections[alias])
        elif self.id == UNREADABLE or not is_unreadable():
            yield from self.find()


def finding(number: str, *, hint: str, deploy: bool = False, asks_databases: bool = False) -> Callable[[Find], Find]:
    """Register the decorated function as the finding `ihuyi.<number>`. A number is never reused."""

    def decorate(find: Find) -> Find:
        found = Finding(id=f"ihuyi.{number}", find=find, hint=hint, deploy=deploy, asks_databases=asks_databases)
        if found.id in FINDINGS:
            raise ValueError(f"{found.id} is taken")
        FINDINGS[found.id] = found
        tags = [TAG, Tags.database] if asks_databases else [TAG]
        register(found.as_check(), *tags, deploy=deploy)
        return find

    return decorate


def is_unreadable() -> bool:
    """Return True if IHUYI is not a dict, so that no setting can be read."""
    return not isinstance(getattr(django_settings, "IHUYI", {}), Mapping)
