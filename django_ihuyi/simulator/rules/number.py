"""Which numbers exist (406), and which are magic."""

from __future__ import annotations

from django_ihuyi.simulator.attempt import Attempt, Rule
from django_ihuyi.simulator.products import PRODUCTS
from django_ihuyi.simulator.results import magic_numbers

MAGIC = {product.name: magic_numbers(product.magic_prefix) for product in PRODUCTS}


def check_number(attempt: Attempt) -> int | None:
    """Refuse what is not a number of the product's form: 406."""
    return None if attempt.call.product.number.fullmatch(attempt.mobile) else 406


def check_magic(attempt: Attempt) -> int | None:
    """Answer a magic number with the code that it carries."""
    return MAGIC[attempt.call.product.name].get(attempt.mobile)


RULES: tuple[Rule, ...] = (check_number, check_magic)
