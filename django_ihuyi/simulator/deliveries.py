"""Deliver messages to phones and replies from phones, and push receipts and replies."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from django_ihuyi.simulator.customers import Customers
from django_ihuyi.simulator.pusher import Pusher
from django_ihuyi.simulator.pushes import NEVER, Fate, write_receipt, write_reply
from django_ihuyi.simulator.records import Message, Reply
from django_ihuyi.simulator.state import State

DEFAULT_FATE = Fate()


class Deliveries:
    """The way between the platform and the phones. Use it only while holding the simulator's lock."""

    def __init__(self, customers: Customers, state: State, pushes: Pusher) -> None:
        self._customers = customers
        self._state = state
        self._pushes = pushes

    @property
    def next_fate(self) -> Fate:
        """Return the fate of the next message to a number without an order of its own."""
        return self._state.fates.peek("") or DEFAULT_FATE

    def send(self, messages: Iterable[Message], now: float) -> None:
        """Deliver messages, or schedule those that leave later."""
        for message in messages:
            if message.arrived > now:
                self._state.inbox.schedule(message)
            else:
                self._arrive(message, now)

    def send_due(self, now: float) -> None:
        """Deliver the scheduled messages that are due."""
        for message in self._state.inbox.take_due(now):
            self._arrive(message, now)

    def settle(self, smsid: str, fate: Fate, *, mobile: str | None, now: float) -> int:
        """Set the fate of a message, and push its receipt; return how many messages have this id."""
        found = self._state.inbox.find(smsid, mobile)
        for message in found:
            self._report(message, fate, now, put=self._state.inbox.change)
        return len(found)

    def reply(self, mobile: str, content: str, *, now: float, delay: float | None, copies: int) -> None:
        """Reply to the latest message on a phone; raise LookupError if it has none."""
        latest = next(iter(self._state.inbox.messages(mobile)), None)
        if latest is None:
            raise LookupError("this phone got no message that it could answer")
        reply = Reply(
            mobile=latest.mobile,
            content=content,
            smsid=latest.smsid,
            arrived=now,
            product=latest.product,
            account=latest.account,
        )
        self._state.inbox.add(reply)
        account = self._customers.find(reply.product, reply.account)
        self._pushes.add(write_reply(reply, account=account), delay=delay, copies=copies)

    def _arrive(self, message: Message, now: float) -> None:
        fate = self._state.fates.take(message.mobile) or DEFAULT_FATE
        self._report(message, fate, now, put=self._state.inbox.add)

    def _report(self, message: Message, fate: Fate, now: float, *, put: Callable[[Message], None]) -> None:
        is_known = fate.result != NEVER
        put(replace(message, fate=fate.result if is_known else ""))
        account = self._customers.find(message.product, message.account)
        if is_known and account.receipt_url:
            push = write_receipt(message, fate, account=account, now=now)
            self._pushes.add(push, delay=fate.delay, copies=fate.copies)
