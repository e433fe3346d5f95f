"""The messages and replies on all phones."""

from __future__ import annotations

import heapq
import itertools
import secrets
from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django_ihuyi.simulator.phones import canonical
from django_ihuyi.simulator.records import Message, Reply

Item = Message | Reply

#: The most changes that one request of the phone page gets.
MOST_CHANGES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Messages and replies that came or changed after a revision.

    A new `epoch` means that a reset removed all earlier ones.
    """

    epoch: str
    revision: int
    items: Sequence[Item]
    #: The fate of the next message.
    fate: str = ""

    def as_json(self) -> Mapping[str, object]:
        """Return the fields as `/_simulator/threads` shows them."""
        items = [{"id": item.id, "kind": type(item).__name__.lower(), **item.as_json()} for item in self.items]
        return {"epoch": self.epoch, "revision": self.revision, "fate": self.fate, "items": items}


class Inbox:
    """Stores the newest `keep` messages and replies. Use it only while holding the simulator's lock."""

    def __init__(self, keep: int) -> None:
        self.epoch = secrets.token_hex(8)
        self.revision = 0
        self._keep = keep
        self._serial = itertools.count(1)
        self._items: OrderedDict[int, Item] = OrderedDict()
        self._by_phone: defaultdict[str, OrderedDict[int, Item]] = defaultdict(OrderedDict)
        self._by_smsid: defaultdict[str, dict[str, int]] = defaultdict(dict)
        self._changed: OrderedDict[int, int] = OrderedDict()
        self._scheduled: list[tuple[float, int, Message]] = []

    def add(self, item: Item) -> None:
        """Store a new message or reply."""
        item = replace(item, id=next(self._serial))
        if isinstance(item, Message):
            self._by_smsid[item.smsid][canonical(item.mobile)] = item.id
        self._put(item)
        if len(self._items) > self._keep:
            self._drop_oldest()

    def schedule(self, message: Message) -> None:
        """Store a message that arrives later."""
        heapq.heappush(self._scheduled, (message.arrived, next(self._serial), message))

    def take_due(self, now: float) -> list[Message]:
        """Remove and return the scheduled messages that are due."""
        due = []
        while self._scheduled and self._scheduled[0][0] <= now:
            due.append(heapq.heappop(self._scheduled)[2])
        return due

    def change(self, message: Message) -> None:
        """Replace a message by its changed copy; a message that was dropped stays dropped."""
        if message.id in self._items:
            self._put(message)

    def messages(self, mobile: str | None = None) -> list[Message]:
        """Return the messages of one phone (None: of all), newest first."""
        items = self._items if mobile is None else self._by_phone.get(canonical(mobile), OrderedDict())
        return [item for item in reversed(items.values()) if isinstance(item, Message)]

    def find(self, smsid: str, mobile: str | None = None) -> list[Message]:
        """Return the messages of an id; a list of numbers shares one id."""
        ids = self._by_smsid.get(smsid, {})
        wanted = ids.values() if mobile is None else [ids.get(canonical(mobile), 0)]
        items = (self._items.get(id_) for id_ in wanted)
        return [item for item in items if isinstance(item, Message)]

    def changes(self, since: int) -> Changes:
        """Return the items that came or changed after a revision, oldest change first."""
        latest = itertools.islice(reversed(self._changed.items()), MOST_CHANGES)
        news = itertools.takewhile(lambda change: change[1] > since, latest)
        items = [self._items[id_] for id_, _ in news]
        return Changes(epoch=self.epoch, revision=self.revision, items=items[::-1])

    def _put(self, item: Item) -> None:
        self.revision += 1
        self._items[item.id] = self._by_phone[canonical(item.mobile)][item.id] = item
        # Ordered by revision, so that `changes` can stop at the first old item.
        self._changed[item.id] = self.revision
        self._changed.move_to_end(item.id)

    def _drop_oldest(self) -> None:
        id_, item = self._items.popitem(last=False)
        # The oldest item of all is also the oldest of its phone. Empty entries go too, or memory would grow.
        phone = canonical(item.mobile)
        self._changed.pop(id_)
        self._by_phone[phone].popitem(last=False)
        if not self._by_phone[phone]:
            del self._by_phone[phone]
        if isinstance(item, Message):
            self._by_smsid[item.smsid].pop(phone, None)
            if not self._by_smsid[item.smsid]:
                del self._by_smsid[item.smsid]
