"""Finish messages that dead workers left behind: `manage.py ihuyi_recover [--loop SECONDS]`."""

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
    """Recover once, or in a loop. It may run in parallel, and be killed at any time."""

    help = "Finish messages that dead workers left behind, and end expired verifications."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--database", metavar="ALIAS", help="default: the database that messages are written to")
        parser.add_argument("--loop", type=float, metavar="SECONDS", help="keep running, and recover at this interval")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Recover, and print the number of messages and verifications that changed."""
        pause = options["loop"]
        if pause is None:
            self._recover(options["database"])
            return
        if pause <= 0:
            raise CommandError("--loop must be a positive number of seconds.")
        while True:
            try:
                self._recover(options["database"])
            except (Error, transactions.Contended) as error:
                # The loop must survive a database that is down or busy for a minute. An error's text may quote a value.
                self.stderr.write(type(error).__name__)
            close_old_connections()  # outside of a request, Django does not replace a broken connection
            time.sleep(pause)

    def _recover(self, database: str | None) -> None:
        text = _(
            "%(unknown)d messages unknown, %(unsent)d unsent, %(settled)d settled by their receipts,"
            " %(ended)d verifications ended"
        )
        self.say(text % asdict(recover(using=database)))
