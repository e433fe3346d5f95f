"""Judge a Submit over all its numbers, and write the messages that it becomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django_ihuyi.simulator.attempt import Attempt
from django_ihuyi.simulator.records import Message
from django_ihuyi.simulator.results import SUCCESS
from django_ihuyi.simulator.rules import COUNTED_RULES, ENTRY_RULES, judge
from django_ihuyi.simulator.rules.balance import choose_signature, count_parts
from django_ihuyi.simulator.rules.schedule import departure


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The result code of a Submit, and those by which each of its numbers remembers it (empty: not at all)."""

    code: int
    remembered: tuple[int, ...] = ()


def judge_submit(attempts: Sequence[Attempt]) -> Verdict:
    """Refuse all numbers of a request if one is refused (ours)."""
    entry = _first([judge(attempt, ENTRY_RULES) for attempt in attempts])
    if entry is not None:
        return Verdict(code=entry)
    codes = [judge(attempt, COUNTED_RULES) for attempt in attempts]
    code = _first(codes)
    if code is None:
        return Verdict(code=SUCCESS, remembered=(SUCCESS,) * len(attempts))
    return Verdict(code=code, remembered=tuple(0 if own is None else own for own in codes))


def write_message(attempt: Attempt, smsid: str) -> Message:
    """Write what one number gets."""
    signature = choose_signature(attempt)
    text = attempt.text
    leaves = departure(attempt)
    return Message(
        mobile=attempt.mobile,
        content=text.content,
        code=text.code,
        smsid=smsid,
        arrived=attempt.now if leaves is None else leaves,
        signature=signature,
        product=attempt.call.product.name,
        account=attempt.account.account,
        template_id=text.template.id if text.template else "",
        parts=count_parts(attempt),
    )


def _first(codes: Sequence[int | None]) -> int | None:
    return next((code for code in codes if code is not None), None)
