"""Answer one request from the books, by the rules."""

from __future__ import annotations

import itertools
import secrets

from django_ihuyi.simulator.accounts import NO_LIMITS, NOBODY, Account
from django_ihuyi.simulator.answers import Answer, answer_balance, answer_submit
from django_ihuyi.simulator.attempt import Attempt, Call
from django_ihuyi.simulator.products import Action
from django_ihuyi.simulator.records import Entry, Message
from django_ihuyi.simulator.results import BALANCE_TEXT, SUCCESS, phrase
from django_ihuyi.simulator.rules import BALANCE_RULES, judge
from django_ihuyi.simulator.state import Policy, State
from django_ihuyi.simulator.submissions import judge_submit, write_message
from django_ihuyi.simulator.texts import Text, read_text, speak_code

#: The platform's answer to a method that it does not have is not public; this one is ours.
UNKNOWN_ACTION = 0


class Desk:
    """Where requests are answered, one after another."""

    def __init__(self, state: State, policy: Policy) -> None:
        self._state = state
        self._policy = policy
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
        if call.action is Action.GET_NUM:
            return _get_num(attempts[0]), []
        return refuse(call, UNKNOWN_ACTION, phrase(UNKNOWN_ACTION, account)), []

    def pretend(self, call: Call, now: float) -> Answer:
        """Answer as if all were well, and do nothing."""
        text = phrase(SUCCESS, NOBODY)
        if call.action is Action.GET_NUM:
            return answer_balance(code=SUCCESS, text=BALANCE_TEXT)
        return answer_submit(call.product, code=SUCCESS, text=text, message_id=self._make_id(now))

    def describe(self, call: Call, answer: Answer | None, *, now: float, fault: str) -> Entry:
        """Write a request down for the journal."""
        # An account that does not exist may be a key in the wrong place: it is not written down.
        account = self._state.ledger.find(call.product.name, call.form.get("account", ""))
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
        ledger = self._state.ledger
        account = ledger.find(call.product.name, call.form.get("account", ""))
        numbers = call.product.split(call.mobile)
        text = _read(call, account)
        return [
            Attempt(
                call=call,
                account=account,
                balance=ledger.balance(account),
                mobile=mobile,
                numbers=len(numbers),
                phone=ledger.phone(account, mobile),
                text=text,
                limits=account.limits if self._policy.has_limits else NO_LIMITS,
                now=now,
                time_tolerance=self._policy.time_tolerance,
                blocked_addresses=self._policy.blocked_addresses,
            )
            for mobile in numbers
        ]

    def _submit(self, attempts: list[Attempt]) -> tuple[Answer, list[Message]]:
        verdict = judge_submit(attempts)
        for attempt, code in zip(attempts, verdict.remembered, strict=False):
            self._remember(attempt, code)
        call, account = attempts[0].call, attempts[0].account
        text = phrase(verdict.code, account)
        if verdict.code != SUCCESS:
            return refuse(call, verdict.code, text), []
        smsid = self._make_id(attempts[0].now)
        messages = [write_message(attempt, smsid) for attempt in attempts]
        self._state.ledger.spend(account, sum(message.parts for message in messages))
        return answer_submit(call.product, code=verdict.code, text=text, message_id=smsid), messages

    def _remember(self, attempt: Attempt, code: int) -> None:
        if self._policy.has_limits:
            attempt.phone.remember(code, now=attempt.now, is_code=attempt.text.is_code)
            self._state.ledger.keep(attempt.account, attempt.mobile, attempt.phone)

    def _make_id(self, now: float) -> str:
        return f"{int(now):010d}{next(self._serial) % 10**10:010d}"


def _read(call: Call, account: Account) -> Text:
    content, template_id = call.form.get("content", ""), call.form.get("templateid", "")
    if call.product.is_code_only and not template_id:
        return speak_code(content, account)
    return read_text(content, template_id, account)


def _get_num(attempt: Attempt) -> Answer:
    code = judge(attempt, BALANCE_RULES)
    if code is not None:
        return refuse(attempt.call, code, phrase(code, attempt.account))
    return answer_balance(code=SUCCESS, text=BALANCE_TEXT, units=attempt.balance)


def refuse(call: Call, code: int, text: str) -> Answer:
    """Answer a request with a result code that is not success."""
    if call.action is Action.GET_NUM:
        return answer_balance(code=code, text=text)
    return answer_submit(call.product, code=code, text=text)
