"""Answer one request by the rules."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterable

from django_ihuyi.simulator.accounts import NO_LIMITS, NOBODY
from django_ihuyi.simulator.answers import Answer, answer_balance, answer_submit
from django_ihuyi.simulator.attempt import Attempt, Call, Policy, Rule
from django_ihuyi.simulator.customers import Customers
from django_ihuyi.simulator.products import Action
from django_ihuyi.simulator.records import Entry, Message
from django_ihuyi.simulator.results import BALANCE_TEXT, SUCCESS, phrase
from django_ihuyi.simulator.rules import BALANCE_RULES, COUNTED_RULES, ENTRY_RULES
from django_ihuyi.simulator.rules.entry import departure
from django_ihuyi.simulator.rules.limits import choose_signature, count_parts
from django_ihuyi.simulator.state import State
from django_ihuyi.simulator.texts import read_text, speak_code

#: The platform's answer to a method that it does not have is not public; this one is ours.
UNKNOWN_ACTION = 0


class Desk:
    """Answers requests one after another. Use it only while holding the simulator's lock."""

    def __init__(self, customers: Customers, state: State, policy: Policy) -> None:
        self._customers = customers
        self._state = state
        self._policy = policy
        # A random start, so that two simulators in the same second give different ids.
        self._serial = itertools.count(secrets.randbelow(10**10))

    def answer(self, call: Call, now: float) -> tuple[Answer, list[Message]]:
        """Return the answer, and the messages that leave."""
        attempts = self._gather(call, now)
        account = attempts[0].account
        forced = self._state.answers.take(call.mobile)
        if forced:
            return refuse(call, forced.code, forced.text or phrase(forced.code, account)), []
        if call.action is Action.SUBMIT:
            return self._submit(attempts)
        if call.action is None:
            return refuse(call, UNKNOWN_ACTION, phrase(UNKNOWN_ACTION, account)), []
        code = judge(attempts[:1], BALANCE_RULES)[0]
        if code is not None:
            return refuse(call, code, phrase(code, account)), []
        return answer_balance(code=SUCCESS, text=BALANCE_TEXT, units=account.balance), []

    def pretend(self, call: Call, now: float) -> Answer:
        """Return a successful answer, and do nothing."""
        if call.action is Action.GET_NUM:
            return answer_balance(code=SUCCESS, text=BALANCE_TEXT)
        text = phrase(SUCCESS, NOBODY)
        return answer_submit(call.product, code=SUCCESS, text=text, message_id=self._make_id(now))

    def describe(self, call: Call, answer: Answer | None, *, now: float, fault: str) -> Entry:
        """Return the journal's entry of a request."""
        # The name of an unknown account may be a key in the wrong place, so the journal has only known names.
        account = self._customers.find(call.product.name, call.form.get("account", ""))
        return Entry(
            arrived=now,
            verb=call.verb,
            path=call.path,
            product=call.product.name,
            action=call.action.value if call.action else "",
            account=account.account,
            mobile=call.mobile[:64],
            code=answer.code if answer else None,
            smsid=str(answer.fields.get(call.product.id_field, "0")) if answer else "0",
            fault=fault,
        )

    def _gather(self, call: Call, now: float) -> list[Attempt]:
        account = self._customers.find(call.product.name, call.form.get("account", ""))
        numbers = call.product.split(call.mobile)
        content, template_id = call.form.get("content", ""), call.form.get("templateid", "")
        is_bare_code = call.product.is_code_only and not template_id
        text = speak_code(content, account) if is_bare_code else read_text(content, template_id, account)
        return [
            Attempt(
                call=call,
                account=account,
                mobile=mobile,
                numbers=len(numbers),
                phone=self._customers.phone(account, mobile),
                text=text,
                limits=account.limits if self._policy.has_limits else NO_LIMITS,
                now=now,
                policy=self._policy,
            )
            for mobile in numbers
        ]

    def _submit(self, attempts: list[Attempt]) -> tuple[Answer, list[Message]]:
        """Accept a Submit; one refused number refuses all (ours)."""
        call, account, now = attempts[0].call, attempts[0].account, attempts[0].now
        code = first(judge(attempts, ENTRY_RULES))
        if code is not None:
            return refuse(call, code, phrase(code, account)), []
        codes = judge(attempts, COUNTED_RULES)
        code = first(codes)
        for attempt, own in zip(attempts, codes, strict=True):
            # A number that passed in a refused list counts as an attempt, as if it had met 0.
            self._remember(attempt, SUCCESS if code is None else own or 0)
        if code is not None:
            return refuse(call, code, phrase(code, account)), []
        smsid = self._make_id(now)
        messages = [write_message(attempt, smsid) for attempt in attempts]
        self._customers.spend(account, sum(message.parts for message in messages))
        text = phrase(SUCCESS, account)
        return answer_submit(call.product, code=SUCCESS, text=text, message_id=smsid), messages

    def _remember(self, attempt: Attempt, code: int) -> None:
        if self._policy.has_limits:
            attempt.phone.remember(code, now=attempt.now, is_code=attempt.text.is_code)
            self._customers.keep(attempt.account, attempt.mobile, attempt.phone)

    def _make_id(self, now: float) -> str:
        return f"{int(now):010d}{next(self._serial) % 10**10:010d}"


def judge(attempts: Iterable[Attempt], rules: Iterable[Rule]) -> list[int | None]:
    """Return for each attempt the result code of the first rule that refuses it, or None."""
    return [first(rule(attempt) for rule in rules) for attempt in attempts]


def first(codes: Iterable[int | None]) -> int | None:
    """Return the first result code, or None if there is none."""
    return next((code for code in codes if code is not None), None)


def write_message(attempt: Attempt, smsid: str) -> Message:
    """Return the message that one number gets."""
    text = attempt.text
    leaves = departure(attempt)
    return Message(
        mobile=attempt.mobile,
        content=text.content,
        code=text.code,
        smsid=smsid,
        arrived=attempt.now if leaves is None else leaves,
        signature=choose_signature(attempt),
        product=attempt.call.product.name,
        account=attempt.account.account,
        template_id=text.template.id if text.template else "",
        parts=count_parts(attempt),
    )


def refuse(call: Call, code: int, text: str) -> Answer:
    """Answer a request with a result code that is not success."""
    if call.action is Action.GET_NUM:
        return answer_balance(code=code, text=text)
    return answer_submit(call.product, code=code, text=text)
