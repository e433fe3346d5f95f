"""What arrived: messages as the phones got them, their answers, and every request. Never a password or a key."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message on one phone; `content` is the text without the signature that stands before it."""

    id: int = 0
    mobile: str
    content: str
    code: str
    smsid: str
    arrived: float
    signature: str
    product: str
    account: str
    template_id: str
    parts: int
    #: "delivered", "failed", or empty while nobody has said what became of it.
    fate: str = ""

    def as_json(self) -> Mapping[str, object]:
        """Return the fields as `/_simulator/messages` shows them."""
        return {
            "mobile": self.mobile,
            "content": self.content,
            "code": self.code,
            "smsid": self.smsid,
            "at": format_time(self.arrived),
            "signature": self.signature,
            "product": self.product,
            "account": self.account,
            "templateid": self.template_id,
            "parts": self.parts,
            "fate": self.fate,
        }

    def answer(self, content: str, *, now: float) -> Reply:
        """Write what the phone sends back."""
        return Reply(
            mobile=self.mobile,
            content=content,
            smsid=self.smsid,
            arrived=now,
            product=self.product,
            account=self.account,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a phone sent back; `smsid` is the message that it answers, if any."""

    id: int = 0
    mobile: str
    content: str
    smsid: str
    arrived: float
    product: str
    account: str

    def as_json(self) -> Mapping[str, object]:
        """Return the fields as `/_simulator/threads` shows them."""
        return {
            "mobile": self.mobile,
            "content": self.content,
            "smsid": self.smsid,
            "at": format_time(self.arrived),
            "product": self.product,
            "account": self.account,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One request that arrived; `code` is None where nothing answers at its path, or a fault swallowed it."""

    arrived: float
    verb: str
    path: str
    product: str = ""
    action: str = ""
    account: str = ""
    mobile: str = ""
    code: int | None = None
    smsid: str = "0"
    fault: str = ""

    def as_json(self) -> Mapping[str, object]:
        """Return the fields as `/_simulator/journal` shows them."""
        return {
            "at": format_time(self.arrived),
            "verb": self.verb,
            "path": self.path,
            "product": self.product,
            "action": self.action,
            "account": self.account,
            "mobile": self.mobile,
            "code": self.code,
            "smsid": self.smsid,
            "fault": self.fault,
        }


@dataclass(slots=True)
class Journal:
    """The latest `keep` requests, and counts of all of them."""

    keep: int
    codes: Counter[int | None] = field(default_factory=Counter)
    _entries: deque[Entry] = field(default_factory=deque)

    def add(self, entry: Entry) -> None:
        """Write down a request."""
        self.codes[entry.code] += 1
        self._entries.append(entry)
        if len(self._entries) > self.keep:
            self._entries.popleft()

    def list(self, mobile: str | None = None) -> list[Entry]:
        """Return the requests for one number, or all, newest first."""
        return [entry for entry in reversed(self._entries) if mobile in (None, entry.mobile)]


def format_time(seconds: float) -> str:
    """Write a moment as ISO 8601 with microseconds, in UTC."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="microseconds")
