"""Print the balances: `manage.py ihuyi_balance [CHANNEL …] [--minimum N]`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from django_ihuyi.backends import get_backend
from django_ihuyi.conf import settings
from django_ihuyi.doctor.channels import judge_refusal
from django_ihuyi.management.printing import PrintingCommand


class Command(PrintingCommand):
    """Print one line for each channel; exit with 1 if a balance is unknown or below the minimum."""

    help = "Print the number of messages that the account of each channel has left."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("channels", nargs="*", metavar="CHANNEL", help="default: every channel")
        parser.add_argument(
            "--minimum", type=int, default=0, metavar="N", help="exit with 1 if fewer messages are left"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Query and print each balance."""
        channels = options["channels"] or list(settings.CHANNELS)
        if unknown := [name for name in channels if name not in settings.CHANNELS]:
            raise CommandError(f"IHUYI['CHANNELS'] does not name {unknown[0]!r}.")
        balances = [self._print_balance(channel) for channel in channels]
        if any(units is None or units < options["minimum"] for units in balances):
            raise SystemExit(1)

    def _print_balance(self, channel: str) -> int | None:
        balance = get_backend(channel).get_balance()
        if balance.units is not None:
            self.say(f"{channel}: {balance.units}")
            return balance.units
        refusal = judge_refusal(channel, balance)
        reason = f"{refusal.text} {refusal.advice}".strip()
        self.say(_("%(channel)s: unknown. %(reason)s") % {"channel": channel, "reason": reason})
        return None
