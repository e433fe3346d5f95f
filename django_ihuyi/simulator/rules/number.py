"""Which numbers exist (406), and which are magic."""

from __future__ import annotations

from django_ihuyi.simulator.attempt import Attempt, Rule
from django_ihuyi.simulator.results import MAGIC_NUMBERS


def check_number(attempt: Attempt) -> int | None:
    """Refuse what is not exactly one number of the product's form: 406."""
    return None if attempt.call.product.number.fullmatch(attempt.value("mobile")) else 406


def check_magic(attempt: Attempt) -> int | None:
    """Answer a magic number with the code that it carries."""
    return MAGIC_NUMBERS.get(attempt.value("mobile"))


RULES: tuple[Rule, ...] = (check_number, check_magic)
