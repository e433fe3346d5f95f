"""What arrived: messages as the phones got them, and a journal of every request. Never a password or a key."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message on one phone; `content` is the text without the signature that stands before it."""

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
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One request that arrived; `code` is None where nothing answers at its path."""

    arrived: float
    verb: str
    path: str
    product: str = ""
    action: str = ""
    account: str = ""
    mobile: str = ""
    code: int | None = None
    smsid: str = "0"

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
        }


@dataclass(slots=True)
class Inbox:
    """All phones' messages; beyond `keep` the oldest are forgotten."""

    keep: int
    _all: deque[Message] = field(default_factory=deque)
    _by_mobile: defaultdict[str, deque[Message]] = field(default_factory=lambda: defaultdict(deque))

    def add(self, message: Message) -> None:
        """Let a message arrive."""
        self._all.append(message)
        self._by_mobile[message.mobile].append(message)
        if len(self._all) > self.keep:
            self._drop_oldest()

    def list(self, mobile: str | None = None) -> list[Message]:
        """Return one phone's messages, or all, newest first."""
        messages = self._all if mobile is None else self._by_mobile.get(mobile, ())
        return list(reversed(messages))

    def _drop_oldest(self) -> None:
        mobile = self._all.popleft().mobile
        self._by_mobile[mobile].popleft()
        if not self._by_mobile[mobile]:
            del self._by_mobile[mobile]


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
