"""What must hold for every answer, whatever bytes it is made of."""

import re
from contextlib import suppress

from django_ihuyi.client.exchange import PLAUSIBLE, read_date
from django_ihuyi.client.products import PRODUCTS
from django_ihuyi.client.protocol import MAX_TEXT, clean, parse_balance, parse_submit
from django_ihuyi.exceptions import InvalidAnswer

ID_FIELDS = sorted({product.id_field for product in PRODUCTS.values()})


def judge(body):
    """Read an answer in every way that the client may; anything but an InvalidAnswer gets out, and is a bug."""
    for notation in ("json", "xml"):
        for id_field in ID_FIELDS:
            with suppress(InvalidAnswer):
                judge_submit(parse_submit(body, format=notation, id_field=id_field))
        with suppress(InvalidAnswer):
            judge_balance(parse_balance(body, format=notation))
    date = read_date(body.decode("latin-1"))
    assert date is None or date in PLAUSIBLE


def judge_submit(answer):
    accepted = answer.code == 2
    assert accepted == bool(re.fullmatch(r"(?!0\Z)[!-~]{1,64}", answer.platform_id)), answer
    assert accepted or answer.platform_id == "", answer
    judge_code(answer)


def judge_balance(answer):
    assert (answer.code == 2) == (type(answer.units) is int), answer
    assert answer.units is None or answer.units >= 0, answer
    judge_code(answer)


def judge_code(answer):
    assert type(answer.code) is int, answer
    assert 0 <= answer.code < 10**9, answer
    shown = clean(answer.text, secrets=["13800138000", "480917"])
    assert shown.isprintable(), answer
    assert len(shown) <= MAX_TEXT, answer
    assert "480917" not in shown, answer
