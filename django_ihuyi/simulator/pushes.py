"""Receipts and replies, as the forms that the platform pushes to the customer's server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django_ihuyi.simulator.accounts import Account
from django_ihuyi.simulator.phones import BEIJING
from django_ihuyi.simulator.products import PRODUCTS
from django_ihuyi.simulator.records import Message, Reply

ID_FIELDS = {product.name: product.receipt_id_field for product in PRODUCTS}

DELIVERED = "delivered"
FAILED = "failed"
#: No receipt is ever pushed.
NEVER = "never"
FATES = (DELIVERED, FAILED, NEVER)

#: `msg` of a receipt. Only BLACK-Y is known of the platform; these two are common among SMS platforms.
WORDS = {DELIVERED: "DELIVRD", FAILED: "UNDELIV", NEVER: ""}
#: `code` of a receipt. 2 means delivered, anything else failed; the 0 is ours.
CODES = {DELIVERED: 2, FAILED: 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """The outcome of a message that the platform accepted, and the receipt that reports it."""

    result: str = DELIVERED
    #: The receipt's `msg`; empty: the usual one for `result`.
    msg: str = ""
    #: Seconds until the receipt is pushed; None: as the push plan says.
    delay: float | None = None
    #: How often the receipt is pushed.
    copies: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PushPlan:
    """When pushes leave, and when they are tried again; the platform's own times are not public."""

    delay: float = 0.5
    #: Seconds from each failure to the next try.
    retries: tuple[float, ...] = (5, 30, 120, 600)
    timeout: float = 5.0
    allow_remote: bool = False


@dataclass(slots=True, kw_only=True)
class Push:
    """One receipt or reply to push, and the tries so far."""

    kind: str
    url: str
    fields: Mapping[str, str]
    mobile: str
    smsid: str
    state: str = "waiting"
    tries: int = 0
    #: The status of the latest answer, or the name of the error.
    answer: str = ""

    def as_json(self) -> Mapping[str, object]:
        """Return the fields as `/_simulator/pushes` shows them: the URL is secret."""
        return {name: getattr(self, name) for name in ("kind", "mobile", "smsid", "state", "tries", "answer")}


def write_receipt(message: Message, fate: Fate, *, account: Account, now: float) -> Push:
    """Return the receipt of a message."""
    fields = {
        ID_FIELDS[message.product]: message.smsid,
        "mobilephone": message.mobile,
        "code": str(CODES[fate.result]),
        "msg": fate.msg or WORDS[fate.result],
        "report_time": _beijing(now),
    }
    return Push(kind="receipt", url=account.receipt_url, fields=fields, mobile=message.mobile, smsid=message.smsid)


def write_reply(reply: Reply, *, account: Account) -> Push:
    """Return the push of a phone's reply."""
    fields = {
        "mobilephone": reply.mobile,
        "content": reply.content,
        "smsid": reply.smsid,
        "reply_time": _beijing(reply.arrived),
    }
    return Push(kind="reply", url=account.reply_url, fields=fields, mobile=reply.mobile, smsid=reply.smsid)


def _beijing(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, BEIJING).strftime("%Y-%m-%d %H:%M:%S")
