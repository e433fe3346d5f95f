"""Filters whose choices come from the settings and the catalogue: the database need not look for what there is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from django_ihuyi.admin.base import ReadOnlyAdmin
from django_ihuyi.client.results import CATALOGUE, describe
from django_ihuyi.conf import settings

#: Among how many rows a filter finds its own: an index for each would cost every send, and a value that hardly occurs
#: would without one be looked for in the whole table.
NEWEST = 100_000
SEARCH_HELP = _(
    "A whole number, in any spelling. Channel, purpose and result code are looked for among its rows, or in the newest "
    "100,000 of all."
)


class _FieldFilter(admin.SimpleListFilter):
    """Filter by the value of the field `parameter_name`, which has no index."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows with the chosen value: of one recipient, or of the newest."""
        if self.value() not in {str(value) for value, _ in self.lookup_choices}:
            return queryset
        chosen = queryset.filter(**{str(self.parameter_name): self.value()})
        return chosen if ReadOnlyAdmin.of_recipient in request.GET else _newest(chosen)


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


def _newest(rows: QuerySet[Any]) -> QuerySet[Any]:
    [ordering] = rows.model._meta.ordering
    order = ordering.removeprefix("-")  # by an index, as each list
    everything = rows.model._default_manager.using(rows.db).values_list(order, flat=True)
    for oldest in everything[NEWEST - 1 : NEWEST]:
        return rows.filter(**{f"{order}__gte": oldest})
    return rows


def explain(code: int | None, channel: str = "sms") -> str:
    """Return a result code with its meaning on a channel, in the reader's language."""
    if code is None:
        return ""
    entry = describe(code, channel)
    return f"{code}: {entry.zh if (get_language() or '').startswith('zh') else entry.en}"
