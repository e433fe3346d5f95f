"""Budgets: limits on the messages that strangers can make a site send, counted in the database."""

from django_ihuyi.guards.budgets.guard import BudgetGuard

__all__ = ["BudgetGuard"]
