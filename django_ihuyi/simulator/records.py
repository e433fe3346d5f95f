"""Records of messages, replies and requests. None of them has a password or a key."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message on one phone; `content` is the text without the signature before it."""

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
    #: "delivered", "failed", or empty while that is not known.
    fate: str = ""

    def as_json(self) -> Mapping[str, object]:
        """Return the fields as `/_simulator/messages` shows them."""
        names = ("mobile", "content", "code", "smsid", "signature", "product", "account", "parts", "fate")
        return {**_as_json(self, *names), "templateid": self.template_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A phone's reply; `smsid` is the message that it answers."""

    id: int = 0
    mobile: str
    content: str
    smsid: str
    arrived: float
    product: str
    account: str

    def as_json(self) -> Mapping[str, object]:
        """Return the fields as `/_simulator/threads` shows them."""
        return _as_json(self, "mobile", "content", "smsid", "product", "account")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One request that arrived; `code` is None where no product answers the path, or where a fault lost the request."""

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
        names = ("verb", "path", "product", "action", "account", "mobile", "code", "smsid", "fault")
        return _as_json(self, *names)


class Journal:
    """The latest `keep` requests, and how often each result code was answered."""

    def __init__(self, keep: int) -> None:
        self.codes: Counter[int | None] = Counter()
        self._entries: deque[Entry] = deque(maxlen=keep)

    def add(self, entry: Entry) -> None:
        """Add a request."""
        self.codes[entry.code] += 1
        self._entries.append(entry)

    def list(self, mobile: str | None = None) -> list[Entry]:
        """Return the requests for one number (None: all), newest first."""
        return [entry for entry in reversed(self._entries) if mobile in (None, entry.mobile)]


def _as_json(record: Message | Reply | Entry, *names: str) -> dict[str, object]:
    at = datetime.fromtimestamp(record.arrived, timezone.utc).isoformat(timespec="microseconds")
    return {"at": at, **{name: getattr(record, name) for name in names}}
