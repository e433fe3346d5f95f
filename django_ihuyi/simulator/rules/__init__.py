"""The platform's rules in their order.

Known of the order: 401 comes before all, 404 before 406, 4080 before 4085, and refused attempts count for 4080.
The rest is ours.
"""

from __future__ import annotations

from django_ihuyi.simulator.attempt import Rule
from django_ihuyi.simulator.rules import content, entry, limits

BALANCE_RULES: tuple[Rule, ...] = entry.BALANCE_RULES

#: An attempt that one of these refuses does not count for the number's limits.
ENTRY_RULES: tuple[Rule, ...] = entry.SUBMIT_RULES

#: From here on an attempt counts, refused or not.
COUNTED_RULES: tuple[Rule, ...] = (*limits.ATTEMPT_RULES, *content.RULES, *limits.MESSAGE_RULES)
