"""The results of a call, and the faults behind them: values, never exceptions."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["FAULTS", "Balance", "Fault", "Outcome", "Submission"]


class Outcome(enum.Enum):
    """The four ways in which a call can end."""

    #: The platform took it.
    ACCEPTED = "accepted"
    #: The platform said no.
    REFUSED = "refused"
    #: Nothing left this machine: safe to try again.
    UNSENT = "unsent"
    #: Perhaps taken, perhaps not: never send it again by machine.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """The result of handing one message over."""

    outcome: Outcome
    #: The platform's result code, if it gave one.
    code: int | None
    #: The platform's text, or ours for a fault; at most 200 characters, printable, without secrets.
    text: str
    #: The platform's id of an accepted message.
    platform_id: str = ""
    #: A stable slug: a key of `FAULTS` if the request or its answer failed, "clock_skew" if this machine's clock is
    #: wrong, else empty.
    fault: str = ""
    #: Seconds that the call took.
    elapsed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """The result of asking how many messages the account has left."""

    outcome: Outcome
    code: int | None
    text: str
    fault: str = ""
    elapsed: float
    #: None unless the outcome is accepted.
    units: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way in which a call fails between us and the platform; `outcome` tells whether the message may have left."""

    slug: str
    outcome: Outcome
    text: str
    #: True if one retry at once is worth it. Only for faults before a byte left, or a retry could send twice.
    retried: bool = False


_ROWS = (
    Fault(slug="name_not_found", outcome=Outcome.UNSENT, text="the host name was not found", retried=True),
    Fault(slug="name_timeout", outcome=Outcome.UNSENT, text="looking up the host name took too long", retried=True),
    Fault(slug="connection_refused", outcome=Outcome.UNSENT, text="the connection was refused", retried=True),
    Fault(slug="connect_timeout", outcome=Outcome.UNSENT, text="connecting took too long", retried=True),
    Fault(slug="unreachable", outcome=Outcome.UNSENT, text="the host cannot be reached", retried=True),
    Fault(slug="tls_handshake", outcome=Outcome.UNSENT, text="TLS could not be negotiated", retried=True),
    Fault(slug="tls_certificate", outcome=Outcome.UNSENT, text="the host's certificate is not valid"),
    Fault(slug="redirect", outcome=Outcome.UNSENT, text="the address redirects elsewhere; it was not followed"),
    Fault(slug="throttled", outcome=Outcome.REFUSED, text="the platform asks us to slow down (HTTP 429)"),
    Fault(slug="deadline", outcome=Outcome.UNKNOWN, text="no whole answer in time"),
    Fault(slug="connection_lost", outcome=Outcome.UNKNOWN, text="the connection broke before a whole answer"),
    Fault(slug="http_status", outcome=Outcome.UNKNOWN, text="the answer has an HTTP status other than 200"),
    Fault(slug="answer_too_large", outcome=Outcome.UNKNOWN, text="the answer is larger than 64 KiB"),
    Fault(slug="answer_invalid", outcome=Outcome.UNKNOWN, text="the answer is not what the platform documents"),
)

FAULTS: Mapping[str, Fault] = MappingProxyType({row.slug: row for row in _ROWS})
