"""What can go wrong between us and the platform, and whether a message may have left all the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from django_ihuyi.client.outcomes import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way to fail."""

    slug: str
    outcome: Outcome
    text: str
    #: Worth a second try at once; only ever true for what certainly did not leave.
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
