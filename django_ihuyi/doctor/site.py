"""The settings: system checks, keys, proxies, test numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, run_checks
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_ihuyi import phones
from django_ihuyi.conf import settings
from django_ihuyi.doctor.diagnoses import Diagnosis, fail, ok, warn
from django_ihuyi.phones import fixed_codes
from django_ihuyi.unread_addresses import read_report

#: The tag of this app's system checks.
TAG = "ihuyi"

#: An X-Forwarded-For header of documentation addresses (RFC 5737). The client has forged the first one.
_FORWARDED = ("192.0.2.66", "198.51.100.7", "203.0.113.1", "203.0.113.2")


def run_our_checks() -> list[CheckMessage]:
    """Run this app's system checks, including those for a deployment."""
    found = run_checks(tags=[TAG], include_deployment_checks=True)
    return [message for message in found if not message.is_silenced()]


def examine_settings(found: Sequence[CheckMessage]) -> Iterator[Diagnosis]:
    """Yield a diagnosis for each message of the system checks."""
    if not found:
        yield ok("settings", _("The system checks report no problem."))
    for message in found:
        judge = fail if message.is_serious() else warn
        yield judge("settings", f"{message.id}: {message.msg}", message.hint or "")


def examine_keys() -> Diagnosis:
    """Examine the keys that codes and proofs are derived from."""
    if django_settings.SECRET_KEY.startswith("django-insecure-"):
        text = _("SECRET_KEY is a development key made by startproject.")
        return warn("keys", text, _("Make a new key for production: codes and proofs are derived from it."))
    older = len(django_settings.SECRET_KEY_FALLBACKS)
    if not older:
        return ok("keys", _("Codes and proofs are derived from SECRET_KEY."))
    text = ngettext(
        "Codes and proofs are derived from SECRET_KEY; %(count)d older key is accepted.",
        "Codes and proofs are derived from SECRET_KEY; %(count)d older keys are accepted.",
        older,
    ) % {"count": older}
    advice = _(
        "Keep an older key for twenty minutes after the change, until its codes and proofs have expired. Suppressions "
        "and opt-outs of numbers that were erased under an older key are lost when it is removed."
    )
    return ok("keys", text, advice)


def examine_proxies() -> Diagnosis:
    """Explain which address the limits take for the client's."""
    if header := settings.TRUSTED_CLIENT_IP_HEADER:
        proxies = ", ".join(settings.TRUSTED_PROXIES)
        text = _("The client is the address in %(header)s if the address that connects is one of: %(proxies)s.")
        advice = _("For all other requests it is the address that connects. The proxies must overwrite the header.")
        return ok("proxies", text % {"header": header, "proxies": proxies}, advice)
    hops = settings.TRUSTED_PROXY_COUNT
    if hops:
        header = ", ".join(_FORWARDED[: hops + 1]) if hops < len(_FORWARDED) else "…"
        client = _FORWARDED[1] if hops < len(_FORWARDED) else "…"
        text = _(
            "TRUSTED_PROXY_COUNT is %(hops)d: in 'X-Forwarded-For: %(header)s' the client is %(client)s; "
            "addresses before it are not trusted."
        ) % {"hops": hops, "header": header, "client": client}
        return ok("proxies", text)
    text = _("TRUSTED_PROXY_COUNT is 0: X-Forwarded-For is not read; the client is the address that connects.")
    advice = _("Behind one proxy, set it to 1; otherwise all clients share the proxy's address and its limits.")
    is_proxied = django_settings.SECURE_PROXY_SSL_HEADER or django_settings.USE_X_FORWARDED_HOST
    return warn("proxies", text, advice) if is_proxied else ok("proxies", text, advice)


def examine_addresses() -> Iterator[Diagnosis]:
    """Yield a diagnosis if a process of the site has lately received an address that it could not read."""
    if unread := read_report():
        text = _("A process could not read a client's address from %(source)s (%(time)s).") % unread
        advice = _(
            "Such clients share the address that connects, and its limits. If it was not one forged header, compare "
            "the proxy's configuration with TRUSTED_PROXY_COUNT, TRUSTED_CLIENT_IP_HEADER and TRUSTED_PROXIES: the "
            "log of django_ihuyi.clients has the reason."
        )
        yield warn("proxies", text, advice)


def examine_test_numbers() -> Iterator[Diagnosis]:
    """Yield a diagnosis for each test number that is valid today."""
    for fixed in filter(fixed_codes.holds, fixed_codes.read_all()):
        text = _("Nothing is sent to %(phone)s, whose code is fixed until %(until)s: %(name)s.") % {
            "phone": phones.mask(fixed.phone),
            "until": fixed.until or "…",
            "name": fixed.name or "…",
        }
        yield ok("test numbers", text)
