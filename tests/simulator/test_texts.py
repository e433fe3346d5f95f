"""Matching a text with a filed template."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_ihuyi.simulator.accounts import VARIABLE
from django_ihuyi.simulator.texts import Text, match


@pytest.mark.parametrize(
    ("pattern", "content", "variables"),
    [
        ("好", "好", ()),
        ("好", "好的", None),
        ("a【变量】b", "axb", ("x",)),
        ("a【变量】b", "ab", None),
        ("a【变量】b", "axbb", ("xb",)),
        ("a【变量】b", "xaxb", None),
        ("【变量】", "x", ("x",)),
        ("【变量】", "", None),
        ("【变量】-【变量】", "x-y", ("x", "y")),
        ("【变量】-【变量】", "--y", ("-", "y")),
        ("【变量】-【变量】", "x-", None),
        ("【变量】【变量】", "xyz", ("x", "yz")),
        ("【变量】【变量】", "x", None),
    ],
)
def test_a_text_is_matched_with_its_template(pattern, content, variables):
    assert match(pattern, content) == variables


@given(
    literals=st.lists(st.text("ab", max_size=3), min_size=2, max_size=5),
    values=st.lists(st.text("abc", min_size=1, max_size=3), min_size=4, max_size=4),
)
def test_a_filled_template_always_matches_itself(literals, values):
    filled = literals[0] + "".join(value + literal for value, literal in zip(values, literals[1:], strict=False))

    variables = match(VARIABLE.join(literals), filled)

    assert variables is not None
    assert literals[0] + "".join(v + literal for v, literal in zip(variables, literals[1:], strict=True)) == filled


@pytest.mark.proof
@pytest.mark.timed
def test_a_hostile_text_is_matched_in_linear_time():
    started = time.process_time()

    assert match("a".join([VARIABLE] * 9) + "b", "a" * 1_000_000) is None
    assert time.process_time() - started < 1


@pytest.mark.parametrize(("length", "parts"), [(64, 1), (65, 2), (128, 2), (129, 3)])
def test_a_long_text_is_billed_in_parts_with_its_signature(length, parts):
    assert Text(content="好" * length).count_parts("互亿无线") == parts
