"""The platform's products as data: where they answer, and by which names."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass


class Action(enum.Enum):
    """What a request asks for, in the platform's words."""

    SUBMIT = "Submit"
    GET_NUM = "GetNum"


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One product: its addresses, the form of its numbers, the name of the id in its answers."""

    name: str
    hosts: frozenset[str]
    v1_path: str
    v2_paths: dict[str, Action]
    number: re.Pattern[str]
    id_field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A product at one of its addresses; version 1 names the action in the query."""

    product: Product
    action: Action | None
    always_json: bool


SMS = Product(
    name="sms",
    hosts=frozenset({"106.ihuyi.com", "106.ihuyi.cn", "api.ihuyi.com"}),
    v1_path="/webservice/sms.php",
    v2_paths={"/sms/Submit.json": Action.SUBMIT, "/sms/GetNum.json": Action.GET_NUM},
    number=re.compile(r"1[3-9][0-9]{9}"),
    id_field="smsid",
)

PRODUCTS = (SMS,)


def find_endpoint(host: str, path: str) -> Endpoint | None:
    """Find who answers at this path; where products share one, the host decides, and the first is the default."""
    endpoints = [endpoint for product in PRODUCTS if (endpoint := _match(product, path))]
    named = [endpoint for endpoint in endpoints if host in endpoint.product.hosts]
    return next(iter(named or endpoints), None)


def _match(product: Product, path: str) -> Endpoint | None:
    if path == product.v1_path:
        return Endpoint(product=product, action=None, always_json=False)
    if action := product.v2_paths.get(path):
        return Endpoint(product=product, action=action, always_json=True)
    return None
