"""What the settings say: the system checks, the keys, the proxies, the test numbers."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, run_checks
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_ihuyi import phones
from django_ihuyi.conf import settings
from django_ihuyi.doctor.diagnoses import Diagnosis, Level
from django_ihuyi.phones import fixed_codes

#: The tag of our system checks, and those after which nothing else can be looked at.
TAG = "ihuyi"
UNREADABLE = {"ihuyi.E001", "ihuyi.E003", "ihuyi.E014"}

#: Documentation addresses (RFC 5737), as they would stand in X-Forwarded-For: the first is what a caller made up.
_FORWARDED = ("192.0.2.66", "198.51.100.7", "203.0.113.1", "203.0.113.2")


def examine_settings() -> Iterator[Diagnosis]:
    """Run our system checks, those for a deployment among them."""
    found = _run_checks()
    if not found:
        yield Diagnosis(level=Level.OK, subject="settings", text=_("The system checks find nothing wrong."))
    for message in found:
        yield Diagnosis(
            level=Level.FAIL if message.is_serious() else Level.WARN,
            subject="settings",
            text=f"{message.id}: {message.msg}",
            advice=message.hint or "",
        )


def find_unreadable() -> Diagnosis | None:
    """Say so where the settings are too wrong for anything else to be looked at."""
    if not any(message.id in UNREADABLE for message in _run_checks()):
        return None
    return Diagnosis(
        level=Level.FAIL,
        subject="settings",
        text=_("Nothing else can be examined."),
        advice=_("Set this right first, and call again."),
    )


def examine_keys() -> Diagnosis:
    """Look at the keys that codes and proofs are made with."""
    if django_settings.SECRET_KEY.startswith("django-insecure-"):
        return Diagnosis(
            level=Level.WARN,
            subject="keys",
            text=_("SECRET_KEY is one that startproject made, for development."),
            advice=_("Make a new one for production: codes and proofs are made with it."),
        )
    older = len(django_settings.SECRET_KEY_FALLBACKS)
    if not older:
        return Diagnosis(level=Level.OK, subject="keys", text=_("Codes and proofs are made with SECRET_KEY."))
    text = ngettext(
        "Codes and proofs are made with SECRET_KEY; %(count)d older key is accepted.",
        "Codes and proofs are made with SECRET_KEY; %(count)d older keys are accepted.",
        older,
    ) % {"count": older}
    advice = _(
        "Codes and proofs need an older key for twenty minutes after the change; suppressions and opt-outs of erased "
        "numbers for as long as they shall be known."
    )
    return Diagnosis(level=Level.OK, subject="keys", text=text, advice=advice)


def examine_proxies() -> Diagnosis:
    """Explain whose address the limits would be counted by."""
    hops = settings.TRUSTED_PROXY_COUNT
    if hops:
        header = ", ".join(_FORWARDED[: hops + 1]) if hops < len(_FORWARDED) else "…"
        client = _FORWARDED[1] if hops < len(_FORWARDED) else "…"
        text = _(
            "TRUSTED_PROXY_COUNT is %(hops)d: of 'X-Forwarded-For: %(header)s' the client is %(client)s, "
            "and what stands before it is not believed."
        ) % {"hops": hops, "header": header, "client": client}
        return Diagnosis(level=Level.OK, subject="proxies", text=text)
    text = _("TRUSTED_PROXY_COUNT is 0: X-Forwarded-For is not read, the client is who connects to the server.")
    advice = _("Behind one proxy set it to 1, or all clients share the proxy's address and its limits.")
    is_proxied = django_settings.SECURE_PROXY_SSL_HEADER or django_settings.USE_X_FORWARDED_HOST
    return Diagnosis(level=Level.WARN if is_proxied else Level.OK, subject="proxies", text=text, advice=advice)


def examine_test_numbers() -> Iterator[Diagnosis]:
    """Name each number that nothing is sent to and whose code is fixed."""
    for fixed in filter(fixed_codes.holds, fixed_codes.read_all()):
        text = _("Nothing is sent to %(phone)s, whose code is fixed until %(until)s: %(name)s.") % {
            "phone": phones.mask(fixed.phone),
            "until": fixed.until or "…",
            "name": fixed.name or "…",
        }
        yield Diagnosis(level=Level.OK, subject="test numbers", text=text)


def _run_checks() -> list[CheckMessage]:
    found = run_checks(tags=[TAG], include_deployment_checks=True)
    return [message for message in found if not message.is_silenced()]
