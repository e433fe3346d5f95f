"""Budgets: why somebody was refused, and an end to it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from django_ihuyi.admin.base import ReadOnlyAdmin
from django_ihuyi.models.budgets import Budget

#: What the first word of a reason means; the second one is the limit, or what was seen.
REASONS = {
    "messages": gettext_lazy("more messages than %(limit)s"),
    "numbers": gettext_lazy("messages to more different numbers than %(limit)s"),
    "unverified": gettext_lazy("more codes that nobody typed in than %(limit)s"),
    "captcha": gettext_lazy("only %(limit)s of the last codes were verified: a captcha is asked for"),
    "stop": gettext_lazy("only %(limit)s of the codes behind the captcha were verified: no code is sent"),
}


@admin.register(Budget)
class BudgetAdmin(ReadOnlyAdmin):
    """What was spent of late; who has the right `ihuyi.clear_budget` may let somebody begin anew."""

    list_display = ("budget", "refused_at", "explanation", "updated_at")
    list_filter = ("refused_at", "updated_at")
    search_fields: ClassVar[tuple[str, ...]] = ()
    fields = (*list_display, "history")
    ordering = ("-updated_at",)
    filtered = frozenset({"refused_at", "updated_at"})
    actions = ("clear",)

    def has_clear_budget_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may clear budgets: a right of its own."""
        return request.user.has_perm("ihuyi.clear_budget")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list; there is no number to search for."""
        return super(ReadOnlyAdmin, self).changelist_view(request, extra_context)

    @admin.display(description=gettext_lazy("budget"))
    def budget(self, budget: Budget) -> str:
        """Return the budget and whom it counts; of a prefix what is missing at its end, too."""
        return f"{budget} ****" if budget.name == "prefix" else str(budget)

    @admin.display(description=gettext_lazy("reason"))
    def explanation(self, budget: Budget) -> str:
        """Return why somebody was last refused, or would have been."""
        kind, _, limit = budget.reason.partition(" ")
        return str(REASONS[kind]) % {"limit": limit} if kind in REASONS else budget.reason

    @admin.action(description=gettext_lazy("Clear the selected budgets"), permissions=["clear_budget"])
    def clear(self, request: HttpRequest, queryset: QuerySet[Budget]) -> None:
        """Forget what was spent, or close the conversion breaker; write down who did it and why it was refused."""
        for budget in queryset:
            words = _("Cleared. Last refused: %(at)s, %(reason)s.") % {
                "at": budget.refused_at or "-",
                "reason": self.explanation(budget) or "-",
            }
            with transaction.atomic(using=budget._state.db):
                self.log_change(request, budget, words)
                Budget.objects.using(budget._state.db).clear(budget)
        said = ngettext("%(count)d budget was cleared.", "%(count)d budgets were cleared.", len(queryset))
        messages.success(request, said % {"count": len(queryset)})
