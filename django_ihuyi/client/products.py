"""The platform's products as data: their addresses, and the name of a message's id in their answers.

Each product has an account and a key of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlsplit

from django_ihuyi.client.endpoint import SMS_V1_URL, SMS_V2_URL


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One product of the platform."""

    name: str
    #: The field of the answer that holds the message's id.
    id_field: str
    #: The default first.
    urls: tuple[str, ...]
    #: True if the product takes several numbers, joined by commas, and a time to send at.
    is_bulk: bool = False


# The platform's documents name api.voice, api.vm, api.isms and api.yx with plain http. That these hosts speak https as
# well is our assumption: where it fails, nothing was sent, and the option `allow_http` is the way out. So the default
# of these products is the second version, where there is one: api.ihuyi.com is known to speak https.
_ROWS = (
    Product(name="sms", id_field="smsid", urls=(SMS_V1_URL, SMS_V2_URL)),
    Product(name="voice_code", id_field="voiceid", urls=("https://api.voice.ihuyi.com/webservice/voice.php",)),
    Product(
        name="voice_notice",
        id_field="voiceid",
        urls=("https://api.ihuyi.com/vm/Submit.json", "https://api.vm.ihuyi.com/webservice/voice.php"),
    ),
    Product(
        name="international",
        id_field="ismsid",
        urls=("https://api.ihuyi.com/isms/Submit.json", "https://api.isms.ihuyi.com/webservice/isms.php"),
    ),
    Product(
        name="marketing",
        id_field="smsid",
        urls=("https://api.yx.ihuyi.com/webservice/sms.php",),
        is_bulk=True,
    ),
)

PRODUCTS: Mapping[str, Product] = MappingProxyType({row.name: row for row in _ROWS})


def get_product(name: str) -> Product:
    """Return the product of that name. Raises ValueError if there is none."""
    if name not in PRODUCTS:
        raise ValueError(f"the product must be one of {', '.join(PRODUCTS)}")
    return PRODUCTS[name]


def check_owner(url: str, product: Product) -> None:
    """Raise ValueError if `url` is the address of another product.

    The answers of that product name the id in another way: every message would be unknown, though sent and billed.
    """
    owners = [other.name for other in PRODUCTS.values() if _host_and_path(url) in map(_host_and_path, other.urls)]
    if owners and product.name not in owners:
        raise ValueError(f"this is the address of the product {owners[0]!r}, but the product is {product.name!r}")


def _host_and_path(url: str) -> tuple[str | None, str]:
    parts = urlsplit(url)
    return parts.hostname, parts.path
