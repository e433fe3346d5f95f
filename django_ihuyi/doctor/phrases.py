"""Result codes and faults in the language of who reads."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from django_ihuyi.client.results import describe

_RESOLVE = _("Look at this machine's DNS, and at the url of the channel.")
_REACH = _("Look at the firewall, and at the url of the channel.")
_LATER = _("Try again; if it stays, ask the platform's support.")
_ADDRESS = _("Look at the url of the channel: something else than the platform's interface may answer there.")

#: What to do about each of `client.outcomes.FAULTS`.
ADVICE: Mapping[str, Promise] = {
    "name_not_found": _RESOLVE,
    "name_timeout": _RESOLVE,
    "connection_refused": _REACH,
    "connect_timeout": _REACH,
    "unreachable": _REACH,
    "tls_handshake": _("Something on the way speaks no TLS 1.2: look for a proxy, and at the port in the url."),
    "tls_certificate": _("Somebody else may be answering: look for a proxy that opens TLS, and at `verify`."),
    "redirect": _ADDRESS,
    "throttled": _LATER,
    "deadline": _LATER,
    "connection_lost": _LATER,
    "http_status": _ADDRESS,
    "answer_too_large": _ADDRESS,
    "answer_invalid": _ADDRESS,
}

FAULTS: Mapping[str, Promise] = {
    "name_not_found": _("The name was not found."),
    "name_timeout": _("Looking up the name took too long."),
    "connection_refused": _("The connection was refused."),
    "connect_timeout": _("Connecting took too long."),
    "unreachable": _("The host cannot be reached."),
    "tls_handshake": _("TLS could not be negotiated."),
    "tls_certificate": _("The certificate is not valid."),
    "redirect": _("The address redirects elsewhere; that is never followed."),
    "throttled": _("The platform asks to slow down (HTTP 429)."),
    "deadline": _("There was no whole answer in time."),
    "connection_lost": _("The connection broke before a whole answer."),
    "http_status": _("The answer has an HTTP status other than 200."),
    "answer_too_large": _("The answer is larger than 64 KiB."),
    "answer_invalid": _("The answer is not what the platform documents."),
}


def explain(code: int, channel: str = "sms") -> str:
    """Return what a result code means and what to do, in Chinese for those who read Chinese."""
    found = describe(code, channel)
    return found.zh if (get_language() or "").startswith("zh") else found.en
