"""The imitated platform itself: accounts, phones and rules behind one lock."""

from __future__ import annotations

import itertools
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping

from django_ihuyi.simulator.accounts import NO_LIMITS, NOBODY, Account
from django_ihuyi.simulator.answers import Answer, answer_balance, answer_submit
from django_ihuyi.simulator.attempt import Attempt, Call
from django_ihuyi.simulator.phones import Phone
from django_ihuyi.simulator.products import Action
from django_ihuyi.simulator.records import Entry, Inbox, Journal, Message
from django_ihuyi.simulator.results import BALANCE_TEXT, SUCCESS, phrase
from django_ihuyi.simulator.rules import BALANCE_RULES, COUNTED_RULES, ENTRY_RULES, judge
from django_ihuyi.simulator.rules.balance import choose_signature
from django_ihuyi.simulator.switches import ForcedAnswer, Switches
from django_ihuyi.simulator.texts import read_text

#: The platform's answer to a method that it does not have is not public; this one is ours.
UNKNOWN_ACTION = 0


class Simulator:
    """Answer as the platform would, and remember what arrived. Safe to share between threads."""

    def __init__(
        self,
        *,
        accounts: Iterable[Account] = (Account(),),
        limits: bool = True,
        time_tolerance: float = 300,
        blocked_addresses: Iterable[str] = (),
        latency: float = 0.0,
        keep: int = 100_000,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.latency = latency
        self.clock = clock
        self._accounts = {(account.product, account.account): account for account in accounts}
        self._has_limits = limits
        self._time_tolerance = time_tolerance
        self._blocked_addresses = frozenset(blocked_addresses)
        self._keep = keep
        self._lock = threading.Lock()
        self._serial = itertools.count(secrets.randbelow(10**10))
        self.reset()

    def answer(self, call: Call) -> Answer:
        """Judge one request, in the order in which requests arrive at the lock."""
        with self._lock:
            now = self.clock()
            answer = self._answer(call, now)
            self._journal.add(self._describe(call, answer, now))
        return answer

    def note_stray(self, *, verb: str, path: str) -> None:
        """Write a request down that went where nothing answers."""
        with self._lock:
            self._journal.add(Entry(arrived=self.clock(), verb=verb, path=path))

    def force(self, code: int | None, *, mobile: str | None = None, text: str = "", times: int | None = None) -> None:
        """Answer a number (None: every request) with this code, `times` times or until told None."""
        with self._lock:
            if code is None:
                self._switches.clear(mobile)
            else:
                self._switches.set(mobile, ForcedAnswer(code=code, text=text, times=times))

    def messages(self, mobile: str | None = None) -> list[Message]:
        """Return what arrived at one phone, or at all of them, newest first."""
        with self._lock:
            return self._inbox.list(mobile)

    def journal(self, mobile: str | None = None) -> list[Entry]:
        """Return the requests for one number, or all, newest first."""
        with self._lock:
            return self._journal.list(mobile)

    def count_codes(self) -> Mapping[int | None, int]:
        """Return how often each result code was answered, over all requests since the last reset."""
        with self._lock:
            return dict(self._journal.codes)

    def reset(self) -> None:
        """Forget everything that happened: messages, limits, black list, balances spent, forced answers."""
        with self._lock:
            self._balances = {key: account.balance for key, account in self._accounts.items()}
            self._phones: dict[tuple[str, str], Phone] = {}
            self._inbox = Inbox(self._keep)
            self._journal = Journal(self._keep)
            self._switches = Switches()

    def _answer(self, call: Call, now: float) -> Answer:
        attempt = self._gather(call, now)
        forced = self._switches.take(attempt.value("mobile"))
        if forced:
            return _refuse(call, forced.code, forced.text or phrase(forced.code, attempt.account))
        if call.action is Action.SUBMIT:
            return self._submit(attempt)
        if call.action is Action.GET_NUM:
            return self._get_num(attempt)
        return _refuse(call, UNKNOWN_ACTION, phrase(UNKNOWN_ACTION, attempt.account))

    def _gather(self, call: Call, now: float) -> Attempt:
        key = (call.product.name, call.form.get("account", ""))
        account = self._accounts.get(key, NOBODY)
        return Attempt(
            call=call,
            account=account,
            balance=self._balances.get(key, 0),
            phone=self._phones.get((account.account, call.form.get("mobile", ""))) or Phone(),
            text=read_text(call.form.get("content", ""), call.form.get("templateid", ""), account),
            limits=account.limits if self._has_limits else NO_LIMITS,
            now=now,
            time_tolerance=self._time_tolerance,
            blocked_addresses=self._blocked_addresses,
        )

    def _submit(self, attempt: Attempt) -> Answer:
        code = judge(attempt, ENTRY_RULES)
        if code is None:
            code = judge(attempt, COUNTED_RULES) or SUCCESS
            self._remember(attempt, code)
        text = phrase(code, attempt.account)
        if code != SUCCESS:
            return _refuse(attempt.call, code, text)
        return answer_submit(attempt.call.product, code=code, text=text, message_id=self._deliver(attempt))

    def _get_num(self, attempt: Attempt) -> Answer:
        code = judge(attempt, BALANCE_RULES)
        if code is not None:
            return _refuse(attempt.call, code, phrase(code, attempt.account))
        return answer_balance(code=SUCCESS, text=BALANCE_TEXT, units=attempt.balance)

    def _remember(self, attempt: Attempt, code: int) -> None:
        if self._has_limits:
            self._phones[attempt.account.account, attempt.value("mobile")] = attempt.phone
            attempt.phone.remember(code, now=attempt.now, is_code=attempt.text.is_code)

    def _deliver(self, attempt: Attempt) -> str:
        message = _write_message(attempt, f"{int(attempt.now):010d}{next(self._serial) % 10**10:010d}")
        self._balances[message.product, message.account] -= message.parts
        self._inbox.add(message)
        return message.smsid

    def _describe(self, call: Call, answer: Answer, now: float) -> Entry:
        # An account that does not exist may be a key in the wrong place: it is not written down.
        account = call.form.get("account", "")
        return Entry(
            arrived=now,
            verb=call.verb,
            path=call.path,
            product=call.product.name,
            action=call.action.value if call.action else "",
            account=account if (call.product.name, account) in self._accounts else "",
            mobile=call.form.get("mobile", "")[:64],
            code=answer.code,
            smsid=str(answer.fields.get(call.product.id_field, "0")),
        )


def _write_message(attempt: Attempt, smsid: str) -> Message:
    signature = choose_signature(attempt)
    text = attempt.text
    return Message(
        mobile=attempt.value("mobile"),
        content=text.content,
        code=text.code,
        smsid=smsid,
        arrived=attempt.now,
        signature=signature,
        product=attempt.call.product.name,
        account=attempt.account.account,
        template_id=text.template.id if text.template else "",
        parts=text.count_parts(signature),
    )


def _refuse(call: Call, code: int, text: str) -> Answer:
    if call.action is Action.GET_NUM:
        return answer_balance(code=code, text=text)
    return answer_submit(call.product, code=code, text=text)
