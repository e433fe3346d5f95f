"""Who pays (4051)."""

from __future__ import annotations

from django_ihuyi.simulator.attempt import Attempt, Rule


def check_balance(attempt: Attempt) -> int | None:
    """Refuse a text that the balance does not cover: 4051."""
    return 4051 if attempt.balance < attempt.numbers * count_parts(attempt) else None


def count_parts(attempt: Attempt) -> int:
    """Return what one number of the request costs; a call counts as one (ours)."""
    return 1 if attempt.call.product.is_call else attempt.text.count_parts(choose_signature(attempt))


def choose_signature(attempt: Attempt) -> str:
    """Return the signature that the platform puts before the text."""
    return attempt.value("sign").strip("【】") or next(iter(attempt.account.signatures), "")


RULES: tuple[Rule, ...] = (check_balance,)
