"""The platform's products as data: their hosts, paths and field names."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass


class Action(enum.Enum):
    """The platform's methods."""

    SUBMIT = "Submit"
    GET_NUM = "GetNum"


MAINLAND = re.compile(r"1[3-9][0-9]{9}")
#: Country code, one blank, number.
ABROAD = re.compile(r"[1-9][0-9]{0,3} [0-9]{4,14}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One product: its hosts and paths, the form of its numbers, the names in its answers."""

    name: str
    hosts: frozenset[str]
    v1_path: str
    v2_paths: Mapping[str, Action]
    number: re.Pattern[str] = MAINLAND
    id_field: str = "smsid"
    #: The name of the same id in a receipt.
    receipt_id_field: str = "smsid"
    #: A number of this prefix and a result code in five digits is always answered with that code (ours).
    magic_prefix: str = "199000"
    takes_list: bool = False
    is_call: bool = False
    #: The content is only a code, and the platform adds the other words.
    is_code_only: bool = False

    def split(self, mobile: str) -> tuple[str, ...]:
        """Return the numbers of a request, each once."""
        return tuple(dict.fromkeys(mobile.split(","))) if self.takes_list else (mobile,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A product at one of its paths; `action` is None in version 1, where the query names it."""

    product: Product
    action: Action | None
    always_json: bool


def _version_2(name: str) -> Mapping[str, Action]:
    return {f"/{name}/{action.value}.json": action for action in Action}


SMS = Product(
    name="sms",
    hosts=frozenset({"106.ihuyi.com", "106.ihuyi.cn", "api.ihuyi.com"}),
    v1_path="/webservice/sms.php",
    v2_paths=_version_2("sms"),
)
VOICE_CODE = Product(
    name="voice_code",
    hosts=frozenset({"api.voice.ihuyi.com", "api.voice.ihuyi.cn"}),
    v1_path="/webservice/voice.php",
    v2_paths={},
    id_field="voiceid",
    is_call=True,
    is_code_only=True,
)
VOICE_NOTICE = Product(
    name="voice_notice",
    hosts=frozenset({"api.vm.ihuyi.com", "api.vm.ihuyi.cn", "api.ihuyi.com"}),
    v1_path="/webservice/voice.php",
    v2_paths=_version_2("vm"),
    id_field="voiceid",
    is_call=True,
)
INTERNATIONAL = Product(
    name="international",
    hosts=frozenset({"api.isms.ihuyi.com", "api.isms.ihuyi.cn", "api.ihuyi.com"}),
    v1_path="/webservice/isms.php",
    v2_paths=_version_2("isms"),
    number=ABROAD,
    id_field="ismsid",
    magic_prefix="44 74000",  # a British mobile number, so that clients which check numbers accept it
)
MARKETING = Product(
    name="marketing",
    hosts=frozenset({"api.yx.ihuyi.com", "api.yx.ihuyi.cn"}),
    v1_path="/webservice/sms.php",
    v2_paths={},
    receipt_id_field="task_id",
    takes_list=True,
)

PRODUCTS = (SMS, VOICE_CODE, VOICE_NOTICE, INTERNATIONAL, MARKETING)


def find_endpoints(host: str, path: str) -> tuple[Endpoint, ...]:
    """Return the endpoints at a path. Of products that share it, the host selects if it is one of theirs."""
    endpoints = []
    for product in PRODUCTS:
        if path == product.v1_path:
            endpoints.append(Endpoint(product=product, action=None, always_json=False))
        elif action := product.v2_paths.get(path):
            endpoints.append(Endpoint(product=product, action=action, always_json=True))
    named = [endpoint for endpoint in endpoints if host in endpoint.product.hosts]
    return tuple(named or endpoints)
