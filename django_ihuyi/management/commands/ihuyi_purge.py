"""Erase what RETENTION no longer keeps: `manage.py ihuyi_purge`, every day."""

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
    """Erase what is due in small transactions; may be stopped at any time, and run beside another one."""

    help = "Erase what RETENTION no longer keeps. Let it run every day."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--batch-size", type=int, default=BATCH_SIZE, help="most rows of a transaction")
        parser.add_argument("--pause", type=float, default=0.05, help="seconds between two transactions; 0.05")
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, help="an alias of DATABASES; default")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Purge, and say how much of each was erased; with -v 2 every transaction as well."""
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
