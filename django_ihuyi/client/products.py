"""The platform's products as data: where each answers, and by which name it calls a message's id.

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
    v1_url: str
    v2_url: str | None = None
    #: Takes several numbers, joined by commas, and a time to send at.
    is_bulk: bool = False
    #: The default: the second version, if the first is not known to speak https.
    url: str


# The platform's documents name api.voice, api.vm, api.isms and api.yx with plain http. That these hosts speak https as
# well is our assumption: where it fails, nothing was sent, and the option `allow_http` is the way out.
_ROWS = (
    Product(name="sms", id_field="smsid", v1_url=SMS_V1_URL, v2_url=SMS_V2_URL, url=SMS_V1_URL),
    Product(
        name="voice_code",
        id_field="voiceid",
        v1_url="https://api.voice.ihuyi.com/webservice/voice.php",
        url="https://api.voice.ihuyi.com/webservice/voice.php",
    ),
    Product(
        name="voice_notice",
        id_field="voiceid",
        v1_url="https://api.vm.ihuyi.com/webservice/voice.php",
        v2_url="https://api.ihuyi.com/vm/Submit.json",
        url="https://api.ihuyi.com/vm/Submit.json",
    ),
    Product(
        name="international",
        id_field="ismsid",
        v1_url="https://api.isms.ihuyi.com/webservice/isms.php",
        v2_url="https://api.ihuyi.com/isms/Submit.json",
        url="https://api.ihuyi.com/isms/Submit.json",
    ),
    Product(
        name="marketing",
        id_field="smsid",
        v1_url="https://api.yx.ihuyi.com/webservice/sms.php",
        url="https://api.yx.ihuyi.com/webservice/sms.php",
        is_bulk=True,
    ),
)

PRODUCTS: Mapping[str, Product] = MappingProxyType({row.name: row for row in _ROWS})


def get_product(name: str) -> Product:
    """Return a product; raise ValueError if there is none of that name."""
    if name not in PRODUCTS:
        raise ValueError(f"the product must be one of {', '.join(PRODUCTS)}")
    return PRODUCTS[name]


def check_owner(url: str, product: Product) -> None:
    """Raise ValueError if `url` is the address of another product.

    That one names the ids in its answers otherwise: every message would be unknown, though sent and billed.
    """
    owners = [other.name for other in PRODUCTS.values() if _place(url) in _places(other)]
    if owners and product.name not in owners:
        raise ValueError(f"this is the address of the product {owners[0]!r}, but the product is {product.name!r}")


def _places(product: Product) -> list[tuple[str | None, str]]:
    return [_place(url) for url in (product.v1_url, product.v2_url) if url]


def _place(url: str) -> tuple[str | None, str]:
    parts = urlsplit(url)
    return parts.hostname, parts.path
