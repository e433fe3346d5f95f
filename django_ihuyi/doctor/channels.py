"""A channel, step by step: the connection to the platform, its clock, the account, the balance."""

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
from django_ihuyi.client.results import describe
from django_ihuyi.doctor.diagnoses import Diagnosis, fail, ok, warn
from django_ihuyi.doctor.phrases import ADVICE, FAULTS, explain

#: Maximum age of a dynamic password in seconds, as the simulator assumes. The platform does not publish its own.
EXPIRY = 300
#: Warn if the certificate ends in fewer days, or fewer messages are left.
FEW_DAYS, FEW_MESSAGES = 14, 100

#: Faults that occur before the host name is resolved.
_NAME_FAULTS = ("name_not_found", "name_timeout")


def examine_channel(name: str) -> Iterator[Diagnosis]:
    """Examine every step of a send, without sending a message."""
    try:
        backend = get_backend(name)
    except ImproperlyConfigured as error:
        yield fail(name, f"{error}.", _("The lines about the settings name the cause."))
        return
    client = getattr(backend, "client", None)
    way = client.probe() if isinstance(client, Client) else None
    if way is not None:
        yield from examine_way(name, way)
        if way.fault:
            return
    yield from examine_account(name, backend, own_address=way.own_address if way else "")


def examine_way(name: str, way: Way) -> Iterator[Diagnosis]:
    """Judge the steps to the platform's web server, up to the first fault."""
    if way.fault in _NAME_FAULTS:
        yield _judge_fault(f"{name} name", way)
        return
    text = _("%(host)s is %(addresses)s.") % {"host": way.host, "addresses": ", ".join(way.addresses)}
    yield ok(f"{name} name", text)
    if way.fault:
        yield _judge_fault(f"{name} connection", way)
        return
    yield judge_tls(f"{name} connection", way)
    yield judge_clock(f"{name} clock", way.skew)


def judge_tls(subject: str, way: Way) -> Diagnosis:
    """Judge the security of the connection."""
    if not way.tls and ipaddress.ip_address(way.addresses[0]).is_loopback:
        return ok(subject, _("Plain http, but only within this machine."))
    if not way.tls:
        text = _("Plain http: anyone on the network path can read codes and numbers.")
        return warn(subject, text, _("Set the channel's url to an https address."))
    days = int((way.certificate_ends or time.time()) - time.time()) // 86_400
    text = _("%(tls)s, and the certificate is valid for %(days)d more days.") % {"tls": way.tls, "days": days}
    return warn(subject, text) if days < FEW_DAYS else ok(subject, text)


def judge_clock(subject: str, skew: int | None) -> Diagnosis:
    """Judge the difference between the platform's clock and this machine's: dynamic passwords contain the time."""
    advice = _("Synchronize this machine's clock by NTP: the platform refuses passwords with an old time (40501).")
    if skew is None:
        return warn(subject, _("The platform's answer has no Date header."), advice)
    text = _("The platform's clock differs from this machine's by %(seconds)+d seconds; %(tolerance)d are allowed.") % {
        "seconds": skew,
        "tolerance": TOLERANCE,
    }
    if abs(skew) <= TOLERANCE:
        return ok(subject, text)
    return warn(subject, text, advice) if abs(skew) <= EXPIRY else fail(subject, text, advice)


def examine_account(name: str, backend: BaseBackend, *, own_address: str) -> Iterator[Diagnosis]:
    """Query the balance, which shows whether the platform accepts the account, its key and this machine's address."""
    subject = f"{name} account"
    if type(backend).get_balance is BaseBackend.get_balance:
        yield ok(subject, _("%(backend)s has no account to examine.") % {"backend": type(backend).__name__})
        return
    balance = backend.get_balance()
    if balance.outcome is not Outcome.ACCEPTED or balance.units is None:
        yield judge_refusal(subject, balance, own_address=own_address)
        return
    yield ok(subject, _("The platform accepts the account, its key and this machine's address."))
    yield judge_balance(f"{name} balance", balance.units)


def judge_refusal(subject: str, balance: Balance, *, own_address: str = "") -> Diagnosis:
    """Return the reason that the platform returned no balance."""
    if balance.code is None:
        return fail(subject, str(FAULTS.get(balance.fault, balance.text)), str(ADVICE.get(balance.fault, "")))
    text = _("The platform refuses with %(code)d.") % {"code": balance.code}
    advice = explain(balance.code)
    if describe(balance.code).is_about_address and own_address:
        where = _("This machine calls from %(address)s; behind a router the platform sees the router's address.")
        advice = f"{advice} {where % {'address': own_address}}"
    return fail(subject, text, advice)


def judge_balance(subject: str, units: int) -> Diagnosis:
    """Judge the number of messages that the account has left."""
    text = ngettext("%(count)d message is left.", "%(count)d messages are left.", units) % {"count": units}
    if units >= FEW_MESSAGES:
        return ok(subject, text)
    advice = _("Buy more in the platform's user centre: at zero the platform refuses every message with 4051.")
    return warn(subject, text, advice) if units else fail(subject, text, advice)


def _judge_fault(subject: str, way: Way) -> Diagnosis:
    text = f"{way.host}: {FAULTS[way.fault]}" + (f" ({way.detail})" if way.detail else "")
    return fail(subject, text, str(ADVICE[way.fault]))
