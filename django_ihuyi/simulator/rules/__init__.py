"""The platform's rules in the order in which they are asked.

Known of the order: 401 comes before all, 404 before 406, 4080 before 4085, and refused attempts count for 4080.
The rest is ours.
"""

from __future__ import annotations

from collections.abc import Iterable

from django_ihuyi.simulator.attempt import Attempt, Rule
from django_ihuyi.simulator.rules import access, balance, content, limits, number, required, schedule

BALANCE_RULES: tuple[Rule, ...] = (*required.BALANCE_RULES, *access.RULES)

#: Attempts that these refuse leave no trace at the number.
ENTRY_RULES: tuple[Rule, ...] = (*required.SUBMIT_RULES, *access.RULES, *number.RULES, *schedule.RULES)

#: Attempts count for the number's limits from here on, refused or not.
COUNTED_RULES: tuple[Rule, ...] = (
    *limits.ATTEMPT_RULES,
    *content.RULES,
    *limits.MESSAGE_RULES,
    *balance.RULES,
)


def judge(attempt: Attempt, rules: Iterable[Rule]) -> int | None:
    """Return the result code of the first rule that refuses, or None."""
    codes = (rule(attempt) for rule in rules)
    return next((code for code in codes if code is not None), None)
