"""What a finding is, and how one comes to Django's system checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's own name
from django.db import connections

#: `manage.py check --tag ihuyi` runs ours only.
TAG = "ihuyi"
#: Where IHUYI is not even a dict, that is all there is to say.
UNREADABLE = "ihuyi.E001"

#: All findings by their ids, in the order of the documentation.
FINDINGS: dict[str, Finding] = {}

Find = Callable[..., Iterable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that can be wrong: `find` yields a sentence for each place where it is."""

    id: str
    find: Find
    #: What to do.
    hint: str
    #: Whether only `check --deploy` looks for it.
    deploy: bool
    #: Whether it asks the databases themselves, as `migrate` and `check --database` do.
    asks_databases: bool

    @property
    def meaning(self) -> str:
        """Say what is wrong, in a sentence."""
        return (self.find.__doc__ or "").strip()

    def as_check(self) -> Callable[..., list[CheckMessage]]:
        """Return the function that Django calls; it sets attributes on it, which a method would not take."""

        def check(databases: Iterable[str] | None = None, **_: Any) -> list[CheckMessage]:
            return [self._say(complaint) for complaint in self._find(databases or ())]

        return check

    def _find(self, databases: Iterable[str]) -> Iterator[str]:
        if self.asks_databases:
            for alias in databases:
                yield from self.find(connections[alias])
        elif self.id == UNREADABLE or not is_unreadable():
            yield from self.find()

    def _say(self, complaint: str) -> CheckMessage:
        level = Error if ".E" in self.id else Warning
        return level(complaint, hint=self.hint, id=self.id)


def finding(number: str, *, hint: str, deploy: bool = False, asks_databases: bool = False) -> Callable[[Find], Find]:
    """Register the decorated function as the finding `ihuyi.<number>`; a number is never used again."""

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
    """Say whether IHUYI is not even a dict."""
    return not isinstance(getattr(django_settings, "IHUYI", {}), Mapping)
