"""Budgets: how much strangers may make us spend, judged by the database (docs/explanation/abuse)."""

from django_ihuyi.guards.budgets.guard import BudgetGuard

__all__ = ["BudgetGuard"]
