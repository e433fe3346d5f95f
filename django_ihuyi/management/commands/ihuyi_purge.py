"""Erase rows whose RETENTION period has ended: `manage.py ihuyi_purge`, every day."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS

from django_ihuyi.management.printing import PrintingCommand
from django_ihuyi.retention import purge
from django_ihuyi.retention.purging import BATCH_SIZE
from django_ihuyi.retention.steps import STEPS


class Command(PrintingCommand):
    """Erase due rows in small transactions. It may be stopped at any time, and run in parallel."""

    help = "Erase rows whose RETENTION period has ended. Run it every day."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--batch-size", type=int, default=BATCH_SIZE, help="maximum rows of a transaction; default: 5000"
        )
        parser.add_argument("--pause", type=float, default=0.05, help="seconds between two transactions; default: 0.05")
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, help="an alias of DATABASES; default: default")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Purge, and print the number of erased rows of each step; with -v 2 also each transaction."""
        if not 1 <= options["batch_size"] <= BATCH_SIZE:
            raise CommandError(f"--batch-size must be from 1 to {BATCH_SIZE}.")
        erased: Counter[int] = Counter()
        for batch in purge(batch_size=options["batch_size"], pause=options["pause"], using=options["database"]):
            place = STEPS.index(batch.step)
            erased[place] += batch.rows
            if options["verbosity"] > 1:
                self.say(f"  {batch.step.name}: {batch.rows}, {batch.seconds:.3f} s")
        for place, step in enumerate(STEPS if options["verbosity"] else ()):
            self.say(f"{step.name}: {erased[place]}")
