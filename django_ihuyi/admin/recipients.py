"""Recipients: suppressions, lockouts and limits of each phone."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from django_ihuyi.admin.base import ReadOnlyAdmin
from django_ihuyi.admin.filters import explain
from django_ihuyi.limits.guesses import IN_A_ROW, count_in_a_row
from django_ihuyi.models import Recipient


@admin.register(Recipient)
class RecipientAdmin(ReadOnlyAdmin):
    """Every phone that messages were sent to. Users with the permission `ihuyi.lift_suppression` may unblock it."""

    list_display = (
        "masked_phone",
        "suppressed_at",
        "suppression",
        "locks",
        "wait_until",
        "full_until",
        "code_full_until",
    )
    list_filter = (("suppressed_at", admin.EmptyFieldListFilter), "suppressed_at")
    of_recipient = "id__exact"
    filtered = frozenset({"suppressed_at"})
    fields = list_display
    actions = ("lift",)

    def has_lift_suppression_permission(self, request: HttpRequest) -> bool:
        """Return True if the user has the permission to lift suppressions."""
        return request.user.has_perm("ihuyi.lift_suppression")

    @admin.display(description=gettext_lazy("suppressed by"))
    def suppression(self, recipient: Recipient) -> str:
        """Return the result code that suppressed it, with its meaning."""
        return explain(recipient.suppressed_code)

    @admin.display(description=gettext_lazy("wrong guesses in a row"))
    def locks(self, recipient: Recipient) -> str:
        """Return the purposes that are locked after too many wrong guesses, temporarily or permanently."""
        counted = count_in_a_row(recipient)
        return ", ".join(f"{purpose}: {sum(counts)}" for purpose, counts in counted.items() if max(counts) >= IN_A_ROW)

    @admin.action(
        description=gettext_lazy("Lift suppression and locks of the selected recipients"),
        permissions=["lift_suppression"],
    )
    def lift(self, request: HttpRequest, queryset: QuerySet[Recipient]) -> None:
        """Lift suppressions and lockouts. The admin's history records the user and the former state."""
        lifted = sum(self._lift(request, recipient) for recipient in queryset)
        said = ngettext("%(count)d recipient was unblocked.", "%(count)d recipients were unblocked.", lifted)
        messages.success(request, said % {"count": lifted})

    def _lift(self, request: HttpRequest, recipient: Recipient) -> bool:
        if not (recipient.suppressed_at or recipient.guesses or recipient.marked_guesses):
            return False
        words = _("Lifted. Suppressed by: %(code)s, since %(since)s. Wrong guesses in a row: %(locks)s.") % {
            "code": recipient.suppressed_code or "-",
            "since": recipient.suppressed_at or "-",
            "locks": self.locks(recipient) or "-",
        }
        # In one transaction, so that nothing is lifted without a record.
        with transaction.atomic(using=recipient._state.db):
            recipient.lift_suppression(using=recipient._state.db)
            self.log_change(request, recipient, words)
        return True
