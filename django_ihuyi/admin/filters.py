"""Filters whose choices come from the settings and the catalogue: the database need not look for what there is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from django_ihuyi.client.results import CATALOGUE, describe
from django_ihuyi.conf import settings


class _FieldFilter(admin.SimpleListFilter):
    """Filter by the value of the field `parameter_name`."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows with the chosen value."""
        choices = {str(value) for value, _ in self.lookup_choices}
        return queryset.filter(**{str(self.parameter_name): self.value()}) if self.value() in choices else queryset


class ChannelFilter(_FieldFilter):
    """By channel."""

    title = _("channel")
    parameter_name = "channel"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """Return the channels of the settings."""
        return [(name, name) for name in settings.CHANNELS]


class PurposeFilter(_FieldFilter):
    """By purpose."""

    title = _("purpose")
    parameter_name = "purpose"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """Return the purposes of the settings."""
        return [(name, name) for name in settings.PURPOSES]


class ResultCodeFilter(_FieldFilter):
    """By result code."""

    title = _("result code")
    parameter_name = "result_code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """Return the codes of the catalogue, in the platform's own words."""
        return [(str(code), f"{code} {entry.seed_text}") for code, entry in CATALOGUE.items()]


def explain(code: int | None) -> str:
    """Return a result code with its meaning, in the reader's language."""
    if code is None:
        return ""
    entry = describe(code)
    return f"{code}: {entry.zh if (get_language() or '').startswith('zh') else entry.en}"
