"""How many messages may go to a phone, and how many guesses are judged: pure functions of the rows that were read."""

from django_ihuyi.limits.guesses import GuessBudget, after_success
from django_ihuyi.limits.messages import CALL_DEADLINE, PACE, Refusal, Rules, find_refusal, find_wait

__all__ = ["CALL_DEADLINE", "PACE", "GuessBudget", "Refusal", "Rules", "after_success", "find_refusal", "find_wait"]
