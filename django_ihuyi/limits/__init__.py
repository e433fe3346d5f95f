"""How many messages may leave for a phone, and how many guesses may be answered: pure rules, judged by the database."""

from django_ihuyi.limits.guesses import GuessBudget
from django_ihuyi.limits.messages import CALL_DEADLINE, PACE, Refusal, Rules, find_refusal, find_wait

__all__ = ["CALL_DEADLINE", "PACE", "GuessBudget", "Refusal", "Rules", "find_refusal", "find_wait"]
