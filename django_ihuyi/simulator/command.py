"""Command line of the simulator, shared by `python -m django_ihuyi.simulator` and `manage.py ihuyi_simulator`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django_ihuyi.simulator.accounts import TRIAL_ACCOUNTS, TRIAL_TEMPLATES, Account, Limits, Template
from django_ihuyi.simulator.addresses import is_loopback
from django_ihuyi.simulator.pushes import PushPlan
from django_ihuyi.simulator.server import SimulatorServer
from django_ihuyi.simulator.simulator import Simulator

DEFAULT_ADDRESS = "127.0.0.1:8106"
DEFAULT = Account()
PLAN = PushPlan()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags. The default of a flag is the default of its Python argument."""
    add = parser.add_argument
    add("address", nargs="?", default=DEFAULT_ADDRESS, metavar="ADDR:PORT", help="port 0 selects a free port")
    add("--account", default=DEFAULT.account, metavar="APIID")
    add("--key", default=DEFAULT.api_key, metavar="APIKEY")
    add("--balance", type=int, default=DEFAULT.balance, metavar="UNITS")
    add("--frozen", action="store_true", help="freeze the account (4050)")
    add("--signature", action="append", default=[], metavar="TEXT", help="an approved signature; may be repeated")
    add(
        "--template",
        action="append",
        default=[],
        metavar="ID=TEXT",
        help="an additional filed template; may be repeated",
    )
    add("--variable-length", type=int, default=DEFAULT.variable_length, metavar="CHARACTERS")
    add("--text-length", type=int, default=DEFAULT.text_length, metavar="CHARACTERS")
    add("--filed-address", action="append", default=[], metavar="IP", help="refuse all other addresses (4052)")
    add("--blocked-address", action="append", default=[], metavar="IP", help="refuse this address (400)")
    add("--no-limits", action="store_true", help="apply no limits per number")
    add("--calendar-day", action="store_true", help="count a day from midnight in Beijing, not over 24 hours")
    add(
        "--time-tolerance", type=float, default=300, metavar="SECONDS", help="maximum age of a dynamic password (40501)"
    )
    add("--receipt-url", default="", metavar="URL", help="push the receipts of all accounts to this URL")
    add("--reply-url", default="", metavar="URL", help="push the replies of all accounts to this URL")
    add("--push-delay", type=float, default=PLAN.delay, metavar="SECONDS", help="time from a message to its receipt")
    add(
        "--push-retries",
        type=_parse_times,
        default=PLAN.retries,
        metavar="SECONDS,…",
        help="times between two attempts to push",
    )
    add("--push-remote", action="store_true", help="push to other machines, not only to this one")
    add("--latency", type=float, default=0, metavar="SECONDS", help="wait before each answer")
    add("--allow-remote", action="store_true", help="listen on an address that other machines reach")
    add("--remote-pages", action="store_true", help="show /_simulator/ to other machines")


def run(options: argparse.Namespace, *, say: Callable[[str], object]) -> None:
    """Serve until interrupted; pass the address to `say` when ready. Raise ValueError for wrong options."""
    host, port = parse_address(options.address)
    if not (options.allow_remote or is_loopback(host)):
        raise ValueError(f"{host} can be reached from other machines: add --allow-remote to listen there")
    with SimulatorServer(host, port, make_simulator(options), remote_pages=options.remote_pages) as server:
        say(f"iHuyi simulator at {server.url}/")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


def parse_address(address: str) -> tuple[str, int]:
    """Return the host and port of ADDR:PORT, where either may be missing. Raise ValueError for anything else."""
    host, _, port = address.rpartition(":") if not address.endswith("]") else (address, "", "0")
    if not (port.isascii() and port.isdigit() and int(port) < 65_536):
        raise ValueError(f"{address!r} is not ADDR:PORT")
    return host.strip("[]") or "127.0.0.1", int(port)


def make_simulator(options: argparse.Namespace) -> Simulator:
    """Return the simulator that the flags describe."""
    others = (replace(account, **_urls(options)) for account in TRIAL_ACCOUNTS[1:])
    return Simulator(
        accounts=[_make_account(options), *others],
        limits=not options.no_limits,
        time_tolerance=options.time_tolerance,
        blocked_addresses=options.blocked_address,
        latency=options.latency,
        push_plan=PushPlan(
            delay=options.push_delay, retries=tuple(options.push_retries), allow_remote=options.push_remote
        ),
    )


def _make_account(options: argparse.Namespace) -> Account:
    return Account(
        account=options.account,
        api_key=options.key,
        balance=options.balance,
        is_frozen=options.frozen,
        addresses=tuple(options.filed_address),
        signatures=tuple(options.signature) or DEFAULT.signatures,
        templates=(*map(_parse_template, options.template), *TRIAL_TEMPLATES),
        variable_length=options.variable_length,
        text_length=options.text_length,
        limits=Limits(calendar_day=options.calendar_day),
        **_urls(options),
    )


def _urls(options: argparse.Namespace) -> dict[str, Any]:
    return {"receipt_url": options.receipt_url, "reply_url": options.reply_url}


def _parse_times(value: str) -> tuple[float, ...]:
    return tuple(float(seconds) for seconds in value.split(",") if seconds)


def _parse_template(value: str) -> Template:
    template_id, found, text = value.partition("=")
    if not (template_id and found and text):
        raise ValueError(f"{value!r} is not ID=TEXT")
    return Template(id=template_id, text=text)
