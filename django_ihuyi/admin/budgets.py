"""Budgets: the reasons for refusals, and an action that clears them."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from django_ihuyi.admin.base import ReadOnlyAdmin
from django_ihuyi.models.budgets import Budget

#: By the first word of a stored reason. The second word is the limit, or the measured conversion.
REASONS = {
    "messages": gettext_lazy("more messages than %(limit)s"),
    "numbers": gettext_lazy("messages to more different numbers than %(limit)s"),
    "unverified": gettext_lazy("more unverified codes than %(limit)s"),
    "captcha": gettext_lazy("only %(limit)s of the last codes were verified: a captcha is required"),
    "stop": gettext_lazy("only %(limit)s of the codes after a captcha were verified: no code is sent"),
}


@admin.register(Budget)
class BudgetAdmin(ReadOnlyAdmin):
    """Recent use of each budget. Users with the permission `ihuyi.clear_budget` may clear one."""

    list_display = ("budget", "refused_at", "explanation", "updated_at")
    list_filter = ("refused_at", "updated_at")
    search_fields: ClassVar[tuple[str, ...]] = ()
    fields = (*list_display, "history")
    ordering = ("-updated_at",)
    filtered = frozenset({"refused_at", "updated_at"})
    actions = ("clear",)

    def has_clear_budget_permission(self, request: HttpRequest) -> bool:
        """Return True if the user has the permission to clear budgets."""
        return request.user.has_perm("ihuyi.clear_budget")

    @admin.display(description=gettext_lazy("budget"))
    def budget(self, budget: Budget) -> str:
        """Return the budget and its owner; for a prefix, with the last four digits as ****."""
        return f"{budget} ****" if budget.name == "prefix" else str(budget)

    @admin.display(description=gettext_lazy("reason"))
    def explanation(self, budget: Budget) -> str:
        """Return the reason for the last refusal, or for the last one that was only recorded."""
        kind, _, limit = budget.reason.partition(" ")
        return str(REASONS[kind]) % {"limit": limit} if kind in REASONS else budget.reason

    @admin.action(description=gettext_lazy("Clear the selected budgets"), permissions=["clear_budget"])
    def clear(self, request: HttpRequest, queryset: QuerySet[Budget]) -> None:
        """Clear the budgets, or close the conversion breaker; record the user and the last refusal in the history."""
        for budget in queryset:
            words = _("Cleared. Last refused: %(at)s, %(reason)s.") % {
                "at": budget.refused_at or "-",
                "reason": self.explanation(budget) or "-",
            }
            # In one transaction, so that no budget is cleared without a record.
            with transaction.atomic(using=budget._state.db):
                self.log_change(request, budget, words)
                Budget.objects.using(budget._state.db).clear(budget)
        said = ngettext("%(count)d budget was cleared.", "%(count)d budgets were cleared.", len(queryset))
        messages.success(request, said % {"count": len(queryset)})
