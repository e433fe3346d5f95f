"""Nothing that the platform needs may be missing (401 to 404)."""

from __future__ import annotations

from django_ihuyi.simulator.attempt import Attempt, Rule


def check_account(attempt: Attempt) -> int | None:
    """Refuse a request without an account: 401."""
    return None if attempt.value("account") else 401


def check_password(attempt: Attempt) -> int | None:
    """Refuse a request without a password: 402."""
    return None if attempt.value("password") else 402


def check_mobile(attempt: Attempt) -> int | None:
    """Refuse a request without a number: 403."""
    return None if attempt.value("mobile") else 403


def check_content(attempt: Attempt) -> int | None:
    """Refuse a request without content: 404."""
    return None if attempt.value("content") else 404


BALANCE_RULES: tuple[Rule, ...] = (check_account, check_password)
SUBMIT_RULES: tuple[Rule, ...] = (*BALANCE_RULES, check_mobile, check_content)
