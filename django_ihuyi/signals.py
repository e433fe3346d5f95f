"""Signals for hosts; an error in one receiver does not reach the others.

Signals about a write are sent after its commit. `limit_hit`, `budget_exceeded` and `platform_blocked` concern refusals:
they are sent at once, also inside a transaction of the caller, which may be rolled back.
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

#: A code was sent to a phone, or may have been sent. Arguments: `verification`, `message`.
code_sent = Signal()

#: A phone was verified: the guess was right. Arguments: `verification`.
code_verified = Signal()

#: A guess was not accepted. Arguments: `verification`, `outcome` (a VerdictOutcome).
code_refused = Signal()

#: A proof of a phone was redeemed for another user than the last one: the number has a new holder, or its holder a new
#: account. Arguments: `verification` (the new one), `user` and `previous` (primary keys of your users, as text).
phone_taken_over = Signal()

#: A message of the send log changed its state, by a call's outcome or a receipt. Arguments: `message`.
message_changed = Signal()

#: A process stopped calling the platform on a channel, because the platform refuses the account and only an operator
#: can correct that. Sent once by each process that notices. Arguments: `channel`, `result_code`.
platform_blocked = Signal()

#: A phone's reply was stored. Arguments: `reply`.
reply_received = Signal()

#: A limit refused a request for a message; a guess that a limit refuses is a `code_refused`. Arguments: `code` (as in
#: the REST answer), `retry_after` (seconds), and `phone` (canonical) or `client` (an address), depending on the limit;
#: the other is empty. A budget's refusal also has a `reason` for operators ("prefix +861380013: numbers 10/10m");
#: it is empty where the code says enough.
limit_hit = Signal()

#: A budget was exceeded. Sent once for each opening of the conversion breaker, and at most once a minute for any other
#: budget. Arguments: `name` and `mode` (as in BUDGETS), `key` (which client, user or prefix), and `reason`.
budget_exceeded = Signal()
