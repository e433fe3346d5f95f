"""Tell how many messages are left: `manage.py ihuyi_balance [CHANNEL …] [--minimum N]`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from django_ihuyi.backends import get_backend
from django_ihuyi.conf import settings
from django_ihuyi.doctor.channels import judge_refusal
from django_ihuyi.management.printing import PrintingCommand


class Command(PrintingCommand):
    """Print a line for each channel; exit with 1 if one cannot be told, or is below the minimum."""

    help = "Print how many messages the account of each channel has left."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("channels", nargs="*", metavar="CHANNEL", help="the default: every channel")
        parser.add_argument("--minimum", type=int, default=0, metavar="N", help="fail below so many messages")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Ask for each balance."""
        channels = options["channels"] or list(settings.CHANNELS)
        if unknown := [name for name in channels if name not in settings.CHANNELS]:
            raise CommandError(f"IHUYI['CHANNELS'] does not name {unknown[0]!r}.")
        balances = [self._tell(channel) for channel in channels]
        if any(units is None or units < options["minimum"] for units in balances):
            raise SystemExit(1)

    def _tell(self, channel: str) -> int | None:
        balance = get_backend(channel).get_balance()
        if balance.units is not None:
            self.say(f"{channel}: {balance.units}")
            return balance.units
        refusal = judge_refusal(channel, balance)
        self.say(
            _("%(channel)s: not known. %(reason)s")
            % {"channel": channel, "reason": f"{refusal.text} {refusal.advice}".strip()}
        )
        return None
