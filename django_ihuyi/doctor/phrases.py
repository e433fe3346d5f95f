"""Result codes and faults in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from django_ihuyi.client.results import describe

_RESOLVE = _("Check this machine's DNS and the channel's url.")
_REACH = _("Check the firewall and the channel's url.")
_LATER = _("Try again; if the problem persists, ask the platform's support.")
_ADDRESS = _("Check the channel's url: another server than the platform's may be answering.")

#: The next step for each of `client.outcomes.FAULTS`.
ADVICE: Mapping[str, Promise] = {
    "name_not_found": _RESOLVE,
    "name_timeout": _RESOLVE,
    "connection_refused": _REACH,
    "connect_timeout": _REACH,
    "unreachable": _REACH,
    "tls_handshake": _(
        "A device in between does not support TLS 1.2: look for a proxy, and check the port in the url."
    ),
    "tls_certificate": _("Another server may be answering: look for a proxy that decrypts TLS, and check `verify`."),
    "redirect": _ADDRESS,
    "throttled": _LATER,
    "deadline": _LATER,
    "connection_lost": _LATER,
    "http_status": _ADDRESS,
    "answer_too_large": _ADDRESS,
    "answer_invalid": _ADDRESS,
}

FAULTS: Mapping[str, Promise] = {
    "name_not_found": _("The host name was not found."),
    "name_timeout": _("Looking up the host name timed out."),
    "connection_refused": _("The connection was refused."),
    "connect_timeout": _("Connecting timed out."),
    "unreachable": _("The host cannot be reached."),
    "tls_handshake": _("TLS could not be negotiated."),
    "tls_certificate": _("The certificate is not valid."),
    "redirect": _("The address redirects elsewhere; redirects are never followed."),
    "throttled": _("The platform asks to slow down (HTTP 429)."),
    "deadline": _("The complete answer did not arrive in time."),
    "connection_lost": _("The connection broke before the answer was complete."),
    "http_status": _("The answer has an HTTP status other than 200."),
    "answer_too_large": _("The answer is larger than 64 KiB."),
    "answer_invalid": _("The answer is not what the platform documents."),
}


def explain(code: int, channel: str = "sms") -> str:
    """Return the meaning of a result code and the next step, in the reader's language."""
    found = describe(code, channel)
    return found.zh if (get_language() or "").startswith("zh") else found.en
