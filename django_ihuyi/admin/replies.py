"""What phones sent back."""

from __future__ import annotations

from django.contrib import admin
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from django_ihuyi.admin.base import ReadOnlyAdmin
from django_ihuyi.client.protocol import escape
from django_ihuyi.models import Reply


@admin.register(Reply)
class ReplyAdmin(ReadOnlyAdmin):
    """Every reply; its text is anybody's, so what does not print is escaped."""

    list_display = ("replied_at", "masked_phone", "beginning", "opts_out")
    list_select_related = ("recipient",)
    fields = ("recipient", "text", "opts_out", "platform_id", "replied_at", "received_at")

    @admin.display(description=_("content"))
    def text(self, reply: Reply) -> str:
        """Return the whole text."""
        return escape(reply.content)

    @admin.display(description=_("content"))
    def beginning(self, reply: Reply) -> str:
        """Return as much of the text as a line takes."""
        return Truncator(escape(reply.content)).chars(60)

    @admin.display(description=_("wants no more advertisements"), boolean=True)
    def opts_out(self, reply: Reply) -> bool:
        """Return whether it asks for no more advertisements."""
        return reply.is_opt_out
