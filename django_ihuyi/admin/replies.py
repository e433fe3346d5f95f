"""Replies: messages that phones sent back."""

from __future__ import annotations

from django.contrib import admin
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from django_ihuyi.admin.base import ReadOnlyAdmin
from django_ihuyi.client.protocol import escape
from django_ihuyi.models import Reply


@admin.register(Reply)
class ReplyAdmin(ReadOnlyAdmin):
    """Every reply. Non-printing characters are escaped, because anyone can send any text."""

    list_display = ("replied_at", "masked_phone", "beginning", "opts_out")
    list_select_related = ("recipient",)
    fields = ("recipient", "text", "opts_out", "platform_id", "replied_at", "received_at")

    @admin.display(description=_("content"))
    def text(self, reply: Reply) -> str:
        """Return the whole text."""
        return escape(reply.content)

    @admin.display(description=_("content"))
    def beginning(self, reply: Reply) -> str:
        """Return the beginning of the text, as much as fits on one line."""
        return Truncator(escape(reply.content)).chars(60)

    @admin.display(description=_("opted out of advertisements"), boolean=True)
    def opts_out(self, reply: Reply) -> bool:
        """Return True if the reply opts out of advertisements."""
        return reply.is_opt_out
