"""Read a change of an account from JSON, and show accounts, without their keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from django_ihuyi.simulator.accounts import Account, Limits, Template, trial_account
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
    """Change an account, or make a new one from the product's trial account; what is not named stays."""
    fields = read_fields(data, known=("account", "product", *READERS), needed=("account",))
    name, product = fields["account"], read_choice(fields, "product", PRODUCT_NAMES) or "sms"
    if not (isinstance(name, str) and NAME.fullmatch(name)):
        raise ValueError("account must be 1 to 64 visible ASCII characters")
    account = customers.find(product, name) or replace(trial_account(product), account=name)
    changes = {ATTRIBUTES.get(field, field): READERS[field](fields, account) for field in fields if field in READERS}
    changed = replace(account, **changes)
    customers.put(changed)
    return changed


def show_account(account: Account, balance: int) -> Mapping[str, object]:
    """Return what may be seen of an account: neither its key nor its URLs."""
    return {
        "account": account.account,
        "product": account.product,
        "balance": balance,
        "frozen": account.is_frozen,
        "addresses": account.addresses,
        "signatures": account.signatures,
        "templates": [{"id": template.id, "text": template.text} for template in account.templates],
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
    return tuple(map(_read_template, templates))


def _read_template(data: object) -> Template:
    fields = read_fields(data, known=("id", "text"), needed=("id", "text"))
    id_, text = read_text(fields, "id"), read_text(fields, "text", longest=2000)
    if not (id_ and text):
        raise ValueError("a template needs an id and a text")
    return Template(id=id_, text=text)


def _read_limits(fields: Fields, account: Account) -> Limits:
    known = tuple(asdict(account.limits))
    limits = read_fields(fields["limits"], known=known)
    figures: dict[str, Any] = {
        name: read_integer(limits, name, low=1, high=MOST) for name in limits if name != "calendar_day"
    }
    if "calendar_day" in limits:
        figures["calendar_day"] = read_switch(limits, "calendar_day", default=False)
    return replace(account.limits, **figures)


def _figure(name: str, *, low: int) -> Callable[[Fields, Account], int]:
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
    "balance": _figure("balance", low=0),
    "frozen": lambda fields, _account: read_switch(fields, "frozen", default=False),
    "addresses": lambda fields, _account: read_texts(fields, "addresses"),
    "signatures": lambda fields, _account: read_texts(fields, "signatures"),
    "templates": _read_templates,
    "variable_length": _figure("variable_length", low=1),
    "text_length": _figure("text_length", low=1),
    "limits": _read_limits,
    "receipt_url": lambda fields, _account: read_text(fields, "receipt_url", longest=2000) or "",
    "reply_url": lambda fields, _account: read_text(fields, "reply_url", longest=2000) or "",
}
