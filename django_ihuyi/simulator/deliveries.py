"""Let messages arrive and phones answer, and tell the customer's server of both."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from django_ihuyi.simulator.fates import NEVER, Fate
from django_ihuyi.simulator.pusher import Pusher
from django_ihuyi.simulator.pushes import write_receipt, write_reply
from django_ihuyi.simulator.records import Message
from django_ihuyi.simulator.state import State

DEFAULT_FATE = Fate()


class Deliveries:
    """What happens between the platform and the phones; whoever uses it holds the simulator's lock."""

    def __init__(self, state: State, pushes: Pusher) -> None:
        self._state = state
        self._pushes = pushes

    @property
    def next_fate(self) -> Fate:
        """Return what becomes of a message to a number that has no order of its own."""
        return self._state.fates.peek("") or DEFAULT_FATE

    def send(self, messages: Iterable[Message], now: float) -> None:
        """Let messages leave: at once, or when their time has come."""
        for message in messages:
            if message.arrived > now:
                self._state.inbox.schedule(message)
            else:
                self._arrive(message, now)

    def send_due(self, now: float) -> None:
        """Let the messages arrive whose time has come."""
        for message in self._state.inbox.take_due(now):
            self._arrive(message, now)

    def settle(self, smsid: str, fate: Fate, *, mobile: str | None, now: float) -> int:
        """Say what became of a message; return how many messages have this id."""
        found = self._state.inbox.find(smsid, mobile)
        for message in found:
            self._tell(message, fate, now, put=self._state.inbox.change)
        return len(found)

    def reply(self, mobile: str, content: str, *, now: float, delay: float | None, copies: int) -> None:
        """Let a phone answer the latest message that it got; raise LookupError if there is none."""
        latest = next(iter(self._state.inbox.messages(mobile)), None)
        if latest is None:
            raise LookupError("this phone got no message that it could answer")
        reply = latest.answer(content, now=now)
        self._state.inbox.add(reply)
        account = self._state.ledger.find(reply.product, reply.account)
        self._pushes.add(write_reply(reply, account=account), delay=delay, copies=copies)

    def _arrive(self, message: Message, now: float) -> None:
        fate = self._state.fates.take(message.mobile) or DEFAULT_FATE
        self._tell(message, fate, now, put=self._state.inbox.add)

    def _tell(self, message: Message, fate: Fate, now: float, *, put: Callable[[Message], None]) -> None:
        is_told = fate.result != NEVER
        put(replace(message, fate=fate.result if is_told else ""))
        account = self._state.ledger.find(message.product, message.account)
        if is_told and account.receipt_url:
            push = write_receipt(message, fate, account=account, now=now)
            self._pushes.add(push, delay=fate.delay, copies=fate.copies)
