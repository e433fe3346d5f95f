"""The send log."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from django_ihuyi.admin.base import ReadOnlyAdmin
from django_ihuyi.admin.filters import SEARCH_HELP, ChannelFilter, PurposeFilter, ResultCodeFilter, explain
from django_ihuyi.models import Message


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    """Every message and its result."""

    list_display = ("created_at", "masked_phone", "channel", "purpose", "kind", "state", "result", "fault", "seconds")
    list_filter = ("created_at", "state", ChannelFilter, PurposeFilter, ResultCodeFilter)
    list_select_related = ("recipient",)
    filtered = frozenset({"created_at", "state"})
    chosen = frozenset({"channel", "purpose", "result_code"})
    search_help_text = SEARCH_HELP
    fields = (
        "recipient",
        "verification",
        "channel",
        "purpose",
        "kind",
        "text",
        "parts",
        "state",
        "counted",
        "result",
        "result_text",
        "fault",
        "platform_id",
        "client",
        "created_at",
        "taken_at",
        "finished_at",
        "seconds",
        "receipt_code",
        "receipt_text",
        "reported_at",
        "received_at",
    )

    @admin.display(description=_("result"))
    def result(self, message: Message) -> str:
        """Return the platform's result code with its meaning."""
        return explain(message.result_code, message.channel)

    @admin.display(description=_("duration in seconds"), ordering="duration")
    def seconds(self, message: Message) -> str:
        """Return the duration of the platform's call."""
        return "" if message.duration is None else f"{message.duration:.3f}"
