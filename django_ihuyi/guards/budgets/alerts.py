"""Alerts for operators about an exceeded budget: in the log, by a signal, and in the budget's row for the admin."""

from __future__ import annotations

from django_ihuyi import signals
from django_ihuyi.guards.budgets.rules import Mode, Overrun
from django_ihuyi.logs import get_logger
from django_ihuyi.models.budgets import Budget

logger = get_logger("django_ihuyi.guards")


def note(overrun: Overrun, *, using: str) -> None:
    """Store an overrun in the budget's row and announce it, at most once a minute for each budget."""
    if Budget.objects.using(using).note(overrun.budget, overrun.reason, now=overrun.moment):
        announce(overrun.budget, overrun.reason, overrun.mode)


def announce(budget: Budget, reason: str, mode: Mode) -> None:
    """Log that a budget is exceeded, and send the signal."""
    logger.warning("budget %s is exceeded: %s (mode %s)", budget, reason, mode.value)
    signals.budget_exceeded.send_robust(Budget, name=budget.name, key=budget.owner, reason=reason, mode=mode.value)
