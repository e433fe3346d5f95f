"""Change accounts as JSON says, and show them without their keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from django_ihuyi.simulator.accounts import NOBODY, Account, Limits, Template, trial_account
from django_ihuyi.simulator.customers import Customers
from django_ihuyi.simulator.products import PRODUCTS
from django_ihuyi.simulator.reading import (
    Fields,
    read_choice,
    read_fields,
    read_integer,
    read_switch,
    read_text,
    read_texts,
)

MOST = 1_000_000_000
NAME = re.compile(r"[!-~]{1,64}")
PRODUCT_NAMES = tuple(product.name for product in PRODUCTS)


def change_account(customers: Customers, data: object) -> Account:
    """Change the named fields of an account, or make a new one from the product's trial account."""
    fields = read_fields(data, known=("account", "product", *READERS), needed=("account",))
    name, product = fields["account"], read_choice(fields, "product", PRODUCT_NAMES) or "sms"
    if not (isinstance(name, str) and NAME.fullmatch(name)):
        raise ValueError("account must be 1 to 64 visible ASCII characters")
    account = customers.find(product, name)
    if account is NOBODY:
        account = replace(trial_account(product), account=name)
    changes = {ATTRIBUTES.get(field, field): READERS[field](fields, account) for field in fields if field in READERS}
    changed = replace(account, **changes)
    customers.put(changed)
    return changed


def show_account(account: Account) -> Mapping[str, object]:
    """Return the fields of an account that a page may show: neither its key nor its URLs."""
    return {
        "account": account.account,
        "product": account.product,
        "balance": account.balance,
        "frozen": account.is_frozen,
        "addresses": account.addresses,
        "signatures": account.signatures,
        "templates": [asdict(template) for template in account.templates],
        "variable_length": account.variable_length,
        "text_length": account.text_length,
        "limits": asdict(account.limits),
        "receipts": bool(account.receipt_url),
        "replies": bool(account.reply_url),
    }


def _read_key(fields: Fields, _account: Account) -> str:
    key = read_text(fields, "key")
    if not key:
        raise ValueError("key must not be empty")
    return key


def _read_templates(fields: Fields, _account: Account) -> tuple[Template, ...]:
    templates = fields["templates"]
    if not isinstance(templates, list) or len(templates) > 1000:
        raise ValueError("templates must be a list of objects with id and text")
    read = []
    for template in templates:
        named = read_fields(template, known=("id", "text"), needed=("id", "text"))
        id_, text = read_text(named, "id"), read_text(named, "text", longest=2000)
        if not (id_ and text):
            raise ValueError("a template needs an id and a text")
        read.append(Template(id=id_, text=text))
    return tuple(read)


def _read_limits(fields: Fields, account: Account) -> Limits:
    limits = read_fields(fields["limits"], known=tuple(asdict(account.limits)))
    numbers = (name for name in limits if name != "calendar_day")
    changes: dict[str, Any] = {name: read_integer(limits, name, low=1, high=MOST) for name in numbers}
    if "calendar_day" in limits:
        changes["calendar_day"] = read_switch(limits, "calendar_day", default=False)
    return replace(account.limits, **changes)


def _number(name: str, *, low: int) -> Callable[[Fields, Account], int]:
    def read(fields: Fields, _account: Account) -> int:
        value = read_integer(fields, name, low=low, high=MOST)
        if value is None:
            raise ValueError(f"{name} must be a number")
        return value

    return read


#: Names in JSON that differ from those in Python.
ATTRIBUTES: Mapping[str, str] = {"key": "api_key", "frozen": "is_frozen"}

READERS: Mapping[str, Callable[[Fields, Account], Any]] = {
    "key": _read_key,
    "balance": _number("balance", low=0),
    "frozen": lambda fields, _account: read_switch(fields, "frozen", default=False),
    "addresses": lambda fields, _account: read_texts(fields, "addresses"),
    "signatures": lambda fields, _account: read_texts(fields, "signatures"),
    "templates": _read_templates,
    "variable_length": _number("variable_length", low=1),
    "text_length": _number("text_length", low=1),
    "limits": _read_limits,
    "receipt_url": lambda fields, _account: read_text(fields, "receipt_url", longest=2000) or "",
    "reply_url": lambda fields, _account: read_text(fields, "reply_url", longest=2000) or "",
}
