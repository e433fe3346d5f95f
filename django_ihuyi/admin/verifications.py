"""Verifications, successful or not."""

from __future__ import annotations

from django.contrib import admin

from django_ihuyi.admin.base import ReadOnlyAdmin
from django_ihuyi.admin.filters import SEARCH_HELP, PurposeFilter
from django_ihuyi.models import Verification


@admin.register(Verification)
class VerificationAdmin(ReadOnlyAdmin):
    """Every verification. Its seed, from which the code is derived, is not shown."""

    list_display = ("created_at", "masked_phone", "purpose", "attempts", "expires_at", "verified_at")
    list_filter = ("created_at", PurposeFilter, ("verified_at", admin.EmptyFieldListFilter))
    list_select_related = ("recipient",)
    filtered = frozenset({"created_at", "verified_at"})
    chosen = frozenset({"purpose"})
    search_help_text = SEARCH_HELP
    fields = (
        "recipient",
        "purpose",
        "code_length",
        "decoy",
        "attempts",
        "created_at",
        "expires_at",
        "verified_at",
        "proof_redeemed_at",
        "redeemed_by",
    )
