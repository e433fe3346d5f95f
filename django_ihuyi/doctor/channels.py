"""A channel, step by step: the way to the platform, its clock, the account, the balance."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterator

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_ihuyi.backends import BaseBackend, get_backend
from django_ihuyi.client.exchange import TOLERANCE
from django_ihuyi.client.http import Client
from django_ihuyi.client.outcomes import Balance, Outcome
from django_ihuyi.client.probe import Way
from django_ihuyi.doctor.diagnoses import Diagnosis, Level
from django_ihuyi.doctor.phrases import ADVICE, FAULTS, explain

#: Seconds that a dynamic password may be old, as the simulator assumes; the platform's own figure is not public.
EXPIRY = 300
#: Days before its end that a certificate is worth a word, and messages that are soon used up.
FEW_DAYS, FEW_MESSAGES = 14, 100
#: Refusals of an address: who reads of them must know which one is meant.
ADDRESS_REFUSED = (400, 4052)

#: How far one came before a fault: which step it belongs to.
_NAME_FAULTS = ("name_not_found", "name_timeout")


def examine_channel(name: str) -> Iterator[Diagnosis]:
    """Go the whole way of a message, but for sending one."""
    try:
        backend = get_backend(name)
    except ImproperlyConfigured as error:
        advice = _("The lines about the settings say why.")
        yield Diagnosis(level=Level.FAIL, subject=name, text=f"{error}.", advice=advice)
        return
    client = getattr(backend, "client", None)
    way = client.probe() if isinstance(client, Client) else None
    if way is not None:
        yield from examine_way(name, way)
        if way.fault:
            return
    yield from examine_account(name, backend, own_address=way.own_address if way else "")


def examine_way(name: str, way: Way) -> Iterator[Diagnosis]:
    """Judge the steps to the platform's web server, as far as they were gone."""
    if way.fault in _NAME_FAULTS:
        yield _judge_fault(f"{name} name", way)
        return
    text = _("%(host)s is %(addresses)s.") % {"host": way.host, "addresses": ", ".join(way.addresses)}
    yield Diagnosis(level=Level.OK, subject=f"{name} name", text=text)
    if way.fault:
        yield _judge_fault(f"{name} connection", way)
        return
    yield judge_tls(f"{name} connection", way)
    yield judge_clock(f"{name} clock", way.skew)


def judge_tls(subject: str, way: Way) -> Diagnosis:
    """Judge how the connection is secured."""
    if not way.tls and ipaddress.ip_address(way.addresses[0]).is_loopback:
        return Diagnosis(level=Level.OK, subject=subject, text=_("Plain http, which does not leave this machine."))
    if not way.tls:
        text = _("Plain http: everybody on the way reads codes and numbers.")
        return Diagnosis(level=Level.WARN, subject=subject, text=text, advice=_("Use an address with https."))
    days = int((way.certificate_ends or time.time()) - time.time()) // 86_400
    text = _("%(tls)s, and the certificate is valid for %(days)d more days.") % {"tls": way.tls, "days": days}
    return Diagnosis(level=Level.WARN if days < FEW_DAYS else Level.OK, subject=subject, text=text)


def judge_clock(subject: str, skew: int | None) -> Diagnosis:
    """Judge how far the platform's clock is from this machine's: dynamic passwords hold the time (40501)."""
    advice = _("Set this machine's clock by NTP: passwords hold the time, and an old one is refused (40501).")
    if skew is None:
        text = _("The platform did not tell its time.")
        return Diagnosis(level=Level.WARN, subject=subject, text=text, advice=advice)
    text = _("The platform's clock differs from this machine's by %(seconds)+d seconds; %(tolerance)d are allowed.") % {
        "seconds": skew,
        "tolerance": TOLERANCE,
    }
    if abs(skew) <= TOLERANCE:
        return Diagnosis(level=Level.OK, subject=subject, text=text)
    level = Level.WARN if abs(skew) <= EXPIRY else Level.FAIL
    return Diagnosis(level=level, subject=subject, text=text, advice=advice)


def examine_account(name: str, backend: BaseBackend, *, own_address: str) -> Iterator[Diagnosis]:
    """Ask for the balance, which shows whether the account, its key and this machine's address are accepted."""
    if type(backend).get_balance is BaseBackend.get_balance:
        text = _("%(backend)s has no account that could be asked.") % {"backend": type(backend).__name__}
        yield Diagnosis(level=Level.OK, subject=f"{name} account", text=text)
        return
    balance = backend.get_balance()
    if balance.outcome is not Outcome.ACCEPTED or balance.units is None:
        yield judge_refusal(f"{name} account", balance, own_address=own_address)
        return
    text = _("The platform accepts the account, its key and this machine's address.")
    yield Diagnosis(level=Level.OK, subject=f"{name} account", text=text)
    yield judge_balance(f"{name} balance", balance.units)


def judge_refusal(subject: str, balance: Balance, *, own_address: str = "") -> Diagnosis:
    """Say why the platform did not tell a balance."""
    if balance.code is None:
        text, advice = FAULTS.get(balance.fault, balance.text), ADVICE.get(balance.fault, "")
        return Diagnosis(level=Level.FAIL, subject=subject, text=str(text), advice=str(advice))
    text = _("The platform refuses with %(code)d.") % {"code": balance.code}
    advice = explain(balance.code)
    if balance.code in ADDRESS_REFUSED and own_address:
        where = _("This machine calls from %(address)s; behind a router the platform sees the router's address.")
        advice = f"{advice} {where % {'address': own_address}}"
    return Diagnosis(level=Level.FAIL, subject=subject, text=text, advice=advice)


def judge_balance(subject: str, units: int) -> Diagnosis:
    """Judge how many messages the account has left."""
    text = ngettext("%(count)d message is left.", "%(count)d messages are left.", units) % {"count": units}
    if units >= FEW_MESSAGES:
        return Diagnosis(level=Level.OK, subject=subject, text=text)
    advice = _("Buy more in the platform's user centre: without any it refuses with 4051.")
    return Diagnosis(level=Level.WARN if units else Level.FAIL, subject=subject, text=text, advice=advice)


def _judge_fault(subject: str, way: Way) -> Diagnosis:
    text = f"{way.host}: {FAULTS[way.fault]}" + (f" ({way.detail})" if way.detail else "")
    return Diagnosis(level=Level.FAIL, subject=subject, text=text, advice=str(ADVICE[way.fault]))
