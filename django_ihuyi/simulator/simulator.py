"""The imitated platform: accounts, phones and rules behind one lock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from django_ihuyi.simulator.accounts import TRIAL_ACCOUNTS, Account
from django_ihuyi.simulator.answers import Answer
from django_ihuyi.simulator.attempt import Call, Policy
from django_ihuyi.simulator.customers import Customers
from django_ihuyi.simulator.deliveries import Deliveries
from django_ihuyi.simulator.desk import Desk
from django_ihuyi.simulator.faults import FAULTS, FaultOrder
from django_ihuyi.simulator.inbox import Changes
from django_ihuyi.simulator.pusher import Pusher
from django_ihuyi.simulator.pushes import Fate, PushPlan
from django_ihuyi.simulator.records import Entry, Message
from django_ihuyi.simulator.state import ForcedAnswer, State

DEFAULT_PLAN = PushPlan()


class Simulator:
    """Answers like the platform, and stores the messages. Threads may share it."""

    def __init__(
        self,
        *,
        accounts: Iterable[Account] = TRIAL_ACCOUNTS,
        limits: bool = True,
        time_tolerance: float = 300,
        blocked_addresses: Iterable[str] = (),
        latency: float = 0.0,
        keep: int = 100_000,
        push_plan: PushPlan = DEFAULT_PLAN,
        clock: Callable[[], float] = time.time,
    ) -> None:
        policy = Policy(
            has_limits=limits, time_tolerance=time_tolerance, blocked_addresses=frozenset(blocked_addresses)
        )
        self.latency = latency
        self.clock = clock
        self.pushes = Pusher(push_plan)
        # Its lock is reentrant: `Customers` takes it for its other users, and the desk calls that with the lock held.
        self._news = threading.Condition()
        self.customers = Customers(accounts, self._news, allow_remote=push_plan.allow_remote)
        self._state = State(keep=keep)
        self._desk = Desk(self.customers, self._state, policy)
        self._deliveries = Deliveries(self.customers, self._state, self.pushes)

    def answer(self, call: Call, *, fault: str = "") -> Answer:
        """Answer one request; requests are answered one at a time, under the lock."""
        with self._news:
            now = self._begin()
            answer, messages = self._desk.answer(call, now)
            self._state.journal.add(self._desk.describe(call, answer, now=now, fault=fault))
            self._deliveries.send(messages, now)
            self._news.notify_all()
        return answer

    def pretend(self, call: Call, *, fault: str) -> Answer:
        """Return a successful answer for a fault to spoil; no message arrives."""
        with self._news:
            now = self._begin()
            self._state.journal.add(self._desk.describe(call, None, now=now, fault=fault))
            return self._desk.pretend(call, now)

    def note_unknown_path(self, *, verb: str, path: str) -> None:
        """Add a request to the journal that no product answers."""
        with self._news:
            self._state.journal.add(Entry(arrived=self.clock(), verb=verb, path=path))

    def force(self, code: int | None, *, mobile: str | None = None, text: str = "", times: int | None = None) -> None:
        """Answer a number (None: every request) with this code, `times` times or until a code of None."""
        value = None if code is None else ForcedAnswer(code=code, text=text)
        with self._news:
            self._state.answers.put(mobile, value, times=times)

    def break_down(
        self, fault: str | None, *, mobile: str | None = None, times: int | None = None, taken: bool = True
    ) -> None:
        """Apply a fault of `FAULTS` to the answers for a number (None: to all); a fault of None ends it."""
        if fault is not None and fault not in FAULTS:
            raise ValueError(f"there is no fault {fault!r}")
        value = None if fault is None else FaultOrder(name=fault, is_taken=taken)
        with self._news:
            self._state.faults.put(mobile, value, times=times)

    def take_fault(self, mobile: str, *, has_socket: bool) -> FaultOrder | None:
        """Return the fault ordered for a request, and count one use; one that needs a socket waits for one."""
        with self._news:
            order = self._state.faults.peek(mobile)
            if order is None or (FAULTS[order.name].needs_socket and not has_socket):
                return None
            return self._state.faults.take(mobile)

    def decide(self, fate: Fate | None, *, mobile: str | None = None, times: int | None = None) -> None:
        """Choose the fate of a number's next messages (None: of all numbers'); a fate of None restores the default."""
        with self._news:
            self._state.fates.put(mobile, fate, times=times)

    def settle(self, smsid: str, fate: Fate, *, mobile: str | None = None) -> int:
        """Set the fate of a message, and push its receipt; return how many messages have this id."""
        with self._news:
            now = self._begin()
            self._news.notify_all()
            return self._deliveries.settle(smsid, fate, mobile=mobile, now=now)

    def reply(self, mobile: str, content: str, *, delay: float | None = None, copies: int = 1) -> None:
        """Reply to the latest message on a phone, and push the reply; raise LookupError if it has none."""
        with self._news:
            now = self._begin()
            self._news.notify_all()
            self._deliveries.reply(mobile, content, now=now, delay=delay, copies=copies)

    def messages(self, mobile: str | None = None) -> list[Message]:
        """Return the messages of one phone (None: of all), newest first."""
        with self._news:
            self._begin()
            return self._state.inbox.messages(mobile)

    def latest_code(self, mobile: str) -> str:
        """Return the code in the latest message on a phone, or raise LookupError."""
        for message in self.messages(mobile):
            if message.code:
                return message.code
        raise LookupError("no code has arrived at this phone")

    def changes(self, since: int = 0, *, epoch: str = "", wait: float = 0) -> Changes:
        """Return the messages and replies that came or changed after a revision; wait up to `wait` seconds for one."""
        with self._news:
            self._begin()
            # A reset replaces the inbox, so `wait_for` must look at the present one.
            inbox = self._state.inbox
            if epoch == inbox.epoch and wait:
                self._news.wait_for(lambda: self._state.inbox.revision > since or self._state.inbox is not inbox, wait)
            inbox = self._state.inbox
            news = inbox.changes(since if epoch == inbox.epoch else 0)
            return replace(news, fate=self._deliveries.next_fate.result)

    def journal(self, mobile: str | None = None) -> list[Entry]:
        """Return the requests for one number (None: all), newest first."""
        with self._news:
            return self._state.journal.list(mobile)

    def count_codes(self) -> Mapping[int | None, int]:
        """Return how often each result code was answered since the last reset."""
        with self._news:
            return dict(self._state.journal.codes)

    def reset(self) -> None:
        """Clear messages, journal, orders and pushes, and restore the accounts of the start."""
        with self._news:
            self.customers.reset()
            self._state.clear()
            self.pushes.clear()
            self._news.notify_all()

    def close(self) -> None:
        """Stop pushing, and join the thread that pushes."""
        self.pushes.close()

    def _begin(self) -> float:
        # No thread watches the clock: each look at the simulator first delivers the messages that are due.
        now = self.clock()
        self._deliveries.send_due(now)
        return now
