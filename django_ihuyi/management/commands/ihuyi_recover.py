"""Give an end to what dead workers have left: `manage.py ihuyi_recover [--loop SECONDS]`."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import Error, close_old_connections
from django.utils.translation import gettext as _

from django_ihuyi.database import transactions
from django_ihuyi.delivery.recovery import recover
from django_ihuyi.management.printing import PrintingCommand


class Command(PrintingCommand):
    """Recover once, or again and again; harmless in parallel, and when it is killed half-way."""

    help = "Give messages that dead workers have left behind an end, and end verifications that have expired."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--database", metavar="ALIAS", help="the default: where messages are written")
        parser.add_argument("--loop", type=float, metavar="SECONDS", help="do not end; recover so often")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Recover, and print what was found."""
        pause = options["loop"]
        if pause is None:
            self._recover(options["database"])
            return
        if pause <= 0:
            raise CommandError("--loop takes the seconds between two runs.")
        while True:
            try:
                self._recover(options["database"])
            except (Error, transactions.Contended) as error:
                # A database that is down now may be up in a minute, and races that were lost may be won.
                self.stderr.write(f"{type(error).__name__}")
            close_old_connections()
            time.sleep(pause)

    def _recover(self, database: str | None) -> None:
        text = _(
            "%(unknown)d messages unknown, %(unsent)d unsent, %(settled)d settled by their receipts,"
            " %(ended)d verifications ended"
        )
        self.say(text % asdict(recover(using=database)))
