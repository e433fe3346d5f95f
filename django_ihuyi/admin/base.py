"""The base class of the admin's pages: read-only, with masked numbers and bounded queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from django.contrib import admin, messages
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_ihuyi import phones
from django_ihuyi.exceptions import InvalidPhone
from django_ihuyi.models import Recipient

if TYPE_CHECKING:  # generic for the type checker only
    _Paginator = Paginator[Any]
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _Paginator, _ModelAdmin = Paginator, admin.ModelAdmin


class BoundedPaginator(_Paginator):
    """A paginator that counts up to a bound, because COUNT(*) on a send log takes seconds."""

    bound = 5_000

    @cached_property
    def count(self) -> int:
        """Return the number of rows, at most `bound`."""
        rows = cast("QuerySet[Any]", self.object_list)
        return rows.order_by()[: self.bound].count()


class ReadOnlyAdmin(_ModelAdmin):
    """A read-only list, and a read-only page for each row."""

    paginator = BoundedPaginator
    list_per_page = 50
    list_max_show_all = 200
    # Full counts and facets would run further COUNT(*) queries, one for each choice of a filter.
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    # Most columns have no index: sorting by them would sort millions of rows.
    sortable_by = ()
    search_fields: ClassVar[tuple[str, ...]] = ("phone",)
    search_help_text = gettext_lazy("A complete phone number, in any spelling.")

    #: The lookup that selects the rows of one recipient.
    of_recipient: ClassVar[str] = "recipient__id__exact"
    #: Fields that may be filtered by any lookup, and fields that may be filtered by exact value only.
    filtered: ClassVar[frozenset[str]] = frozenset()
    chosen: ClassVar[frozenset[str]] = frozenset()

    def has_add_permission(self, request: HttpRequest, *_: Any) -> bool:
        """Return False: only the app writes rows."""
        return False

    def has_change_permission(self, request: HttpRequest, *_: Any) -> bool:
        """Return False: only the app and the actions change rows."""
        return False

    def has_delete_permission(self, request: HttpRequest, *_: Any) -> bool:
        """Return False: only the purge deletes rows."""
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Allow the filters' lookups only: `?phone__startswith=138` would reveal numbers digit by digit."""
        return lookup in {self.of_recipient, *self.chosen} or lookup.partition("__")[0] in self.filtered

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list. Redirect a search to a filter by recipient, so that no address has the number."""
        is_search = request.method == "GET" and SEARCH_VAR in request.GET and bool(self.search_fields)
        # Without the permission, the redirect would reveal whether a number is known.
        if is_search and self.has_view_permission(request):
            return self._redirect(request, request.GET[SEARCH_VAR])
        return super().changelist_view(request, extra_context)

    @admin.display(description=gettext_lazy("phone"))
    def masked_phone(self, row: Any) -> str:
        """Return the masked number."""
        return str(getattr(row, "recipient", row))

    def _redirect(self, request: HttpRequest, typed: str) -> HttpResponse:
        query = request.GET.copy()
        for name in (SEARCH_VAR, self.of_recipient):
            query.pop(name, None)
        recipient = self._find_recipient(request, typed) if typed.strip() else None
        if recipient:
            query[self.of_recipient] = str(recipient.pk)
        return HttpResponseRedirect(f"{request.path}?{query.urlencode()}")

    def _find_recipient(self, request: HttpRequest, typed: str) -> Model | None:
        try:
            phone = phones.parse(typed)
        except InvalidPhone:
            messages.warning(request, _("Enter a complete phone number: 11 digits, in any spelling."))
            return None
        recipient = Recipient.objects.of(phone).first()
        if recipient is None:
            messages.info(request, _("No message has been sent to %(phone)s.") % {"phone": phones.mask(phone)})
        return recipient
