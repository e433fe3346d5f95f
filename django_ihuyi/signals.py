"""Signals that a host may listen to; an error in one receiver does not reach the others.

What was written is told after the commit. `limit_hit`, `budget_exceeded` and `platform_blocked` tell of what was not
done: they are sent at once, also inside a transaction of the caller, which may be rolled back.
"""

from __future__ import annotations

from django.dispatch import Signal

__all__ = [
    "budget_exceeded",
    "code_refused",
    "code_sent",
    "code_verified",
    "limit_hit",
    "message_changed",
    "phone_taken_over",
    "platform_blocked",
    "reply_received",
]

#: A code left for a phone, or may have left. Arguments: `verification`, `message`.
code_sent = Signal()

#: A right code was given. Arguments: `verification`.
code_verified = Signal()

#: A guess was not accepted. Arguments: `verification`, `outcome` (a VerdictOutcome).
code_refused = Signal()

#: A proof of a phone was redeemed for another user than the last one: the number has changed hands, or its holder the
#: account. Arguments: `verification` (the new one), `user` and `previous` (primary keys of your users, as text).
phone_taken_over = Signal()

#: A message of the send log changed its state, by a call's outcome or a receipt. Arguments: `message`.
message_changed = Signal()

#: A process stopped calling the platform on a channel, because it refuses the account and only an operator can mend
#: that; sent once, by each process that finds it out. Arguments: `channel`, `result_code`.
platform_blocked = Signal()
#: A phone sent a text back, and it was written down. Arguments: `reply`.
reply_received = Signal()

#: A request for a message was refused by a limit; a guess that is refused so is a `code_refused`. Arguments: `code` (as
#: in the REST answer), `retry_after` (seconds), and `phone` (canonical) or `client` (an address), whichever the limit
#: is about; the other is empty. A budget's refusal has a `reason` as well, for operators ("prefix +861380013: numbers
#: 10/10m"); for the others, where the code says it, it is empty.
limit_hit = Signal()

#: A budget was exceeded: told once for each opening of the conversion breaker, for every other budget at most once a
#: minute. Arguments: `name` and `mode` (as in BUDGETS), `key` (which client, user or prefix), and `reason`.
budget_exceeded = Signal()
