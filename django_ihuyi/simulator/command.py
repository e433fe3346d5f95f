"""The command line, shared by `python -m django_ihuyi.simulator` and `manage.py ihuyi_simulator`."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from django_ihuyi.simulator.accounts import TRIAL_TEMPLATES, Account, Limits, Template
from django_ihuyi.simulator.server import SimulatorServer, is_loopback
from django_ihuyi.simulator.simulator import Simulator

DEFAULT_ADDRESS = "127.0.0.1:8106"
DEFAULT = Account()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags; each has the default of the Python argument behind it."""
    add = parser.add_argument
    add("address", nargs="?", default=DEFAULT_ADDRESS, metavar="ADDR:PORT", help="port 0 takes a free one")
    add("--account", default=DEFAULT.account, metavar="APIID")
    add("--key", default=DEFAULT.api_key, metavar="APIKEY")
    add("--balance", type=int, default=DEFAULT.balance, metavar="UNITS")
    add("--frozen", action="store_true", help="freeze the account (4050)")
    add("--signature", action="append", default=[], metavar="TEXT", help="an approved signature; may be repeated")
    add("--template", action="append", default=[], metavar="ID=TEXT", help="one more filed template; may be repeated")
    add("--variable-length", type=int, default=DEFAULT.variable_length, metavar="CHARACTERS")
    add("--text-length", type=int, default=DEFAULT.text_length, metavar="CHARACTERS")
    add("--filed-address", action="append", default=[], metavar="IP", help="refuse all others (4052)")
    add("--blocked-address", action="append", default=[], metavar="IP", help="refuse this one (400)")
    add("--no-limits", action="store_true", help="lift all limits per number")
    add("--calendar-day", action="store_true", help="count a day from Beijing's midnight, not over 24 hours")
    add("--time-tolerance", type=float, default=300, metavar="SECONDS", help="age of a dynamic password (40501)")
    add("--latency", type=float, default=0, metavar="SECONDS", help="wait before each answer")
    add("--allow-remote", action="store_true", help="listen on an address that other machines reach")
    add("--remote-pages", action="store_true", help="show /_simulator/ to other machines too")


def run(options: argparse.Namespace, *, say: Callable[[str], object]) -> None:
    """Serve until interrupted; say one line with the address when ready. Raise ValueError on bad options."""
    host, port = parse_address(options.address)
    if not (options.allow_remote or is_loopback(host)):
        raise ValueError(f"{host} can be reached from other machines; add --allow-remote if that is wanted")
    with SimulatorServer(host, port, make_simulator(options), remote_pages=options.remote_pages) as server:
        say(f"iHuyi simulator at {server.url}/")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


def parse_address(address: str) -> tuple[str, int]:
    """Split ADDR:PORT; either may be missing."""
    host, _, port = address.rpartition(":") if not address.endswith("]") else (address, "", "0")
    if not (port.isascii() and port.isdigit() and int(port) < 65_536):
        raise ValueError(f"{address!r} is not ADDR:PORT")
    return host.strip("[]") or "127.0.0.1", int(port)


def make_simulator(options: argparse.Namespace) -> Simulator:
    """Build the simulator that the flags describe."""
    return Simulator(
        accounts=[_make_account(options)],
        limits=not options.no_limits,
        time_tolerance=options.time_tolerance,
        blocked_addresses=options.blocked_address,
        latency=options.latency,
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
    )


def _parse_template(value: str) -> Template:
    template_id, found, text = value.partition("=")
    if not (template_id and found and text):
        raise ValueError(f"{value!r} is not ID=TEXT")
    return Template(id=template_id, text=text)
