"""Filters with choices from the settings and the catalogue, so that no query has to collect distinct values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from django_ihuyi.admin.base import ReadOnlyAdmin
from django_ihuyi.client.results import CATALOGUE, describe
from django_ihuyi.conf import settings

#: The number of newest rows that a filter searches. An index for each filter would slow down every send, and without
#: one, the search for a rare value would scan the whole table.
NEWEST = 100_000
SEARCH_HELP = _(
    "A complete phone number, in any spelling. The filters by channel, purpose and result code apply to its rows, or, "
    "without a number, to the newest 100,000 rows."
)


class _FieldFilter(admin.SimpleListFilter):
    """Filter by the field `parameter_name`, which has no index."""

    #: The setting whose keys are the choices.
    setting: ClassVar[str]

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """Return the choices."""
        return [(name, name) for name in getattr(settings, self.setting)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows with the chosen value, of one recipient or of the newest rows."""
        if self.value() not in {str(value) for value, _ in self.lookup_choices}:
            return queryset
        chosen = queryset.filter(**{str(self.parameter_name): self.value()})
        return chosen if ReadOnlyAdmin.of_recipient in request.GET else _newest(chosen)


class ChannelFilter(_FieldFilter):
    """A filter by channel."""

    title = _("channel")
    parameter_name = "channel"
    setting = "CHANNELS"


class PurposeFilter(_FieldFilter):
    """A filter by purpose."""

    title = _("purpose")
    parameter_name = "purpose"
    setting = "PURPOSES"


class ResultCodeFilter(_FieldFilter):
    """A filter by result code."""

    title = _("result code")
    parameter_name = "result_code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """Return the codes of the catalogue with the platform's own texts."""
        return [(str(code), f"{code} {entry.seed_text}") for code, entry in CATALOGUE.items()]


def _newest(rows: QuerySet[Any]) -> QuerySet[Any]:
    [ordering] = rows.model._meta.ordering
    order = ordering.removeprefix("-")  # each list is ordered by an indexed column
    everything = rows.model._default_manager.using(rows.db).values_list(order, flat=True)
    # The slice is empty if the table has fewer rows: then all of them are searched.
    for oldest in everything[NEWEST - 1 : NEWEST]:
        return rows.filter(**{f"{order}__gte": oldest})
    return rows


def explain(code: int | None, channel: str = "sms") -> str:
    """Return a result code with its meaning on a channel, in the reader's language."""
    if code is None:
        return ""
    entry = describe(code, channel)
    return f"{code}: {entry.zh if (get_language() or '').startswith('zh') else entry.en}"
