"""The imitated platform itself: accounts, phones and rules behind one lock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from django_ihuyi.simulator.accounts import TRIAL_ACCOUNTS, Account
from django_ihuyi.simulator.answers import Answer
from django_ihuyi.simulator.attempt import Call
from django_ihuyi.simulator.customers import Customers, check_urls
from django_ihuyi.simulator.deliveries import Deliveries
from django_ihuyi.simulator.desk import Desk
from django_ihuyi.simulator.fates import Fate
from django_ihuyi.simulator.faults import FAULTS, FaultOrder
from django_ihuyi.simulator.inbox import Changes
from django_ihuyi.simulator.pusher import Pusher
from django_ihuyi.simulator.pushes import PushPlan
from django_ihuyi.simulator.records import Entry, Message
from django_ihuyi.simulator.state import Policy, State
from django_ihuyi.simulator.switches import ForcedAnswer

DEFAULT_PLAN = PushPlan()


class Simulator:
    """Answer as the platform would, and remember what arrived. Safe to share between threads."""

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
        accounts = tuple(accounts)
        for account in accounts:
            check_urls(account, allow_remote=push_plan.allow_remote)
        policy = Policy(
            has_limits=limits, time_tolerance=time_tolerance, blocked_addresses=frozenset(blocked_addresses)
        )
        self.latency = latency
        self.clock = clock
        self.pushes = Pusher(push_plan)
        self._state = State(accounts, keep=keep)
        self._desk = Desk(self._state, policy)
        self._deliveries = Deliveries(self._state, self.pushes)
        self._news = threading.Condition(threading.Lock())
        self.customers = Customers(self._state, self._news, allow_remote=push_plan.allow_remote)

    def answer(self, call: Call, *, fault: str = "") -> Answer:
        """Judge one request, in the order in which requests arrive at the lock."""
        with self._news:
            now = self._begin()
            answer, messages = self._desk.answer(call, now)
            self._state.journal.add(self._desk.describe(call, answer, now=now, fault=fault))
            self._deliveries.send(messages, now)
            self._news.notify_all()
        return answer

    def pretend(self, call: Call, *, fault: str) -> Answer:
        """Return a good answer for a fault to spoil, and let nothing arrive."""
        with self._news:
            now = self._begin()
            self._state.journal.add(self._desk.describe(call, None, now=now, fault=fault))
            return self._desk.pretend(call, now)

    def note_stray(self, *, verb: str, path: str) -> None:
        """Write a request down that went where nothing answers."""
        with self._news:
            self._state.journal.add(Entry(arrived=self.clock(), verb=verb, path=path))

    def force(self, code: int | None, *, mobile: str | None = None, text: str = "", times: int | None = None) -> None:
        """Answer a number (None: every request) with this code, `times` times or until told None."""
        value = None if code is None else ForcedAnswer(code=code, text=text)
        with self._news:
            self._state.answers.order(mobile, value, times=times)

    def break_down(
        self, fault: str | None, *, mobile: str | None = None, times: int | None = None, taken: bool = True
    ) -> None:
        """Let a fault of `FAULTS` happen to the answers for a number (None: to all), or none any more."""
        if fault is not None and fault not in FAULTS:
            raise ValueError(f"there is no fault {fault!r}")
        value = None if fault is None else FaultOrder(name=fault, is_taken=taken)
        with self._news:
            self._state.faults.order(mobile, value, times=times)

    def take_fault(self, mobile: str, *, has_socket: bool) -> FaultOrder | None:
        """Return the fault that is ordered for a request, and count it as done; one that cannot be shown waits."""
        with self._news:
            order = self._state.faults.peek(mobile)
            if order is None or (FAULTS[order.name].needs_socket and not has_socket):
                return None
            return self._state.faults.take(mobile)

    def decide(self, fate: Fate | None, *, mobile: str | None = None, times: int | None = None) -> None:
        """Choose what becomes of a number's next messages (None: of all phones'), or leave it to the default."""
        with self._news:
            self._state.fates.order(mobile, fate, times=times)

    def settle(self, smsid: str, fate: Fate, *, mobile: str | None = None) -> int:
        """Say what became of a message, and push the receipt; return how many messages have this id."""
        with self._news:
            now = self._begin()
            self._news.notify_all()
            return self._deliveries.settle(smsid, fate, mobile=mobile, now=now)

    def reply(self, mobile: str, content: str, *, delay: float | None = None, copies: int = 1) -> None:
        """Let a phone answer the latest message that it got, and push the reply; raise LookupError if there is none."""
        with self._news:
            now = self._begin()
            self._news.notify_all()
            self._deliveries.reply(mobile, content, now=now, delay=delay, copies=copies)

    def messages(self, mobile: str | None = None) -> list[Message]:
        """Return what arrived at one phone, or at all of them, newest first."""
        with self._news:
            self._begin()
            return self._state.inbox.messages(mobile)

    def latest_code(self, mobile: str) -> str:
        """Return the code in the latest message on a phone, or raise LookupError."""
        codes = (message.code for message in self.messages(mobile) if message.code)
        code = next(codes, None)
        if code is None:
            raise LookupError("no code has arrived at this phone")
        return code

    def changes(self, since: int = 0, *, epoch: str = "", wait: float = 0) -> Changes:
        """Return what is new on the phones since a revision, and wait for it if need be."""
        with self._news:
            self._begin()
            inbox = self._state.inbox
            if epoch == inbox.epoch and wait:
                self._news.wait_for(lambda: self._state.inbox.revision > since or self._state.inbox is not inbox, wait)
            inbox = self._state.inbox
            news = inbox.changes(since if epoch == inbox.epoch else 0)
            return replace(news, fate=self._deliveries.next_fate.result)

    def journal(self, mobile: str | None = None) -> list[Entry]:
        """Return the requests for one number, or all, newest first."""
        with self._news:
            return self._state.journal.list(mobile)

    def count_codes(self) -> Mapping[int | None, int]:
        """Return how often each result code was answered, over all requests since the last reset."""
        with self._news:
            return dict(self._state.journal.codes)

    def reset(self) -> None:
        """Forget everything that happened and that was ordered; accounts are as they were at the start."""
        with self._news:
            self._state.clear()
            self.pushes.clear()
            self._news.notify_all()

    def close(self) -> None:
        """Push no more, and see the thread end that pushes."""
        self.pushes.close()

    def _begin(self) -> float:
        now = self.clock()
        self._deliveries.send_due(now)
        return now
