"""Signals that a host may listen to, sent after the commit; an error in one receiver does not reach the others."""

from __future__ import annotations

from django.dispatch import Signal

#: A code left for a phone, or may have left. Arguments: `verification`, `message`.
code_sent = Signal()

#: A right code was given. Arguments: `verification`.
code_verified = Signal()

#: A guess was not accepted. Arguments: `verification`, `outcome` (a VerdictOutcome).
code_refused = Signal()

#: A message of the send log changed its state. Arguments: `message`.
message_changed = Signal()

#: A request was refused by a limit. Arguments: `code` (as in the REST answer), `retry_after` (seconds), and `phone`
#: (canonical) or `client` (an address), whichever the limit is about; the other is empty.
limit_hit = Signal()
