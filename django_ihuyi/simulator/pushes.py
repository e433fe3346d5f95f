"""What the platform tells the customer's server: receipts and replies, as forms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django_ihuyi.simulator.accounts import Account
from django_ihuyi.simulator.fates import CODES, Fate
from django_ihuyi.simulator.phones import BEIJING
from django_ihuyi.simulator.products import PRODUCTS
from django_ihuyi.simulator.records import Message, Reply

ID_FIELDS = {product.name: product.receipt_id_field for product in PRODUCTS}


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
    """One record for the customer's server, and how often it was tried."""

    kind: str
    url: str
    fields: Mapping[str, str]
    mobile: str
    smsid: str
    state: str = "waiting"
    tries: int = 0
    #: The latest answer's status, or what went wrong.
    answer: str = ""

    def as_json(self) -> Mapping[str, object]:
        """Return the fields as `/_simulator/pushes` shows them: the URL is secret."""
        return {
            "kind": self.kind,
            "mobile": self.mobile,
            "smsid": self.smsid,
            "state": self.state,
            "tries": self.tries,
            "answer": self.answer,
        }


def write_receipt(message: Message, fate: Fate, *, account: Account, now: float) -> Push:
    """Write the receipt that tells a message's fate."""
    fields = {
        ID_FIELDS[message.product]: message.smsid,
        "mobilephone": message.mobile,
        "code": str(CODES[fate.result]),
        "msg": fate.words,
        "report_time": _beijing(now),
    }
    return Push(kind="receipt", url=account.receipt_url, fields=fields, mobile=message.mobile, smsid=message.smsid)


def write_reply(reply: Reply, *, account: Account) -> Push:
    """Write down what a phone sent back."""
    fields = {
        "mobilephone": reply.mobile,
        "content": reply.content,
        "smsid": reply.smsid,
        "reply_time": _beijing(reply.arrived),
    }
    return Push(kind="reply", url=account.reply_url, fields=fields, mobile=reply.mobile, smsid=reply.smsid)


def _beijing(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, BEIJING).strftime("%Y-%m-%d %H:%M:%S")
