"""Serve the simulator of the platform: `manage.py ihuyi_simulator [ADDR:PORT]`."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_ihuyi.simulator.command import add_arguments, run


class Command(BaseCommand):
    """Serve an imitation of the platform over HTTP."""

    help = "Imitate iHuyi's platform over HTTP."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the flags."""
        add_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Serve until interrupted."""
        try:
            run(argparse.Namespace(**options), say=self._say)
        except (ValueError, OSError) as error:
            raise CommandError(str(error)) from error

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()  # a program that started this one reads the URL from a pipe
