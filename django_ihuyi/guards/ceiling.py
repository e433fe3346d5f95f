"""The ceiling of all: how many codes the API may send to all phones together.

It is counted when a message is about to be written, after the limits of the number and the guards: a request that
cannot lead to a message spends nothing that others need. Decoys count as messages, or the counter would show who has
registered.
"""

from __future__ import annotations

from django_ihuyi import signals
from django_ihuyi.conf import settings
from django_ihuyi.exceptions import LimitReached
from django_ihuyi.guards import Guard, Wanted, has_guard
from django_ihuyi.guards.budgets import BudgetGuard
from django_ihuyi.guards.budgets.rules import read_rule, read_send_rates
from django_ihuyi.guards.cached_rates import is_api_request, measure
from django_ihuyi.models import Message


class Ceiling(Guard):
    """Count GLOBAL_LIMITS in the cache. It is the last guard, whatever GUARDS names."""

    def check(self, wanted: Wanted, *, using: str) -> Wanted:  # noqa: ARG002 - nothing is counted yet
        return wanted

    def claim(self, wanted: Wanted, *, using: str) -> Wanted:  # noqa: ARG002 - the cache counts for all databases
        """Count one message. Raise LimitReached if it is one too many.

        The host's own calls of `send_code` are not counted: strangers do not make them. The cache is not asked if
        BudgetGuard counts the same limits, exactly, in the database.
        """
        if not is_api_request():
            return wanted
        rates = read_send_rates(settings.GLOBAL_LIMITS, "global")
        if not rates or (has_guard(BudgetGuard) and read_rule("global").limits == rates):
            return wanted
        if wait := measure(rates, group="send.all", key="all", sent={}):
            code = "global_limit"
            signals.limit_hit.send_robust(Message, code=code, retry_after=wait, phone="", client="", reason="")
            raise LimitReached(code, retry_after=wait)
        return wanted
