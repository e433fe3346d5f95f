"""How many messages may leave for a phone, and how many guesses may be answered: pure rules, judged by the database."""

from django_ihuyi.limits.guesses import GuessBudget
from django_ihuyi.limits.sends import LEASE, Refusal, Rules, find_refusal

__all__ = ["LEASE", "GuessBudget", "Refusal", "Rules", "find_refusal"]
