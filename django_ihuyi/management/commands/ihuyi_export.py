"""Export all data about one number: `manage.py ihuyi_export NUMBER`."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandParser
from django.core.serializers.json import DjangoJSONEncoder

from django_ihuyi.management.numbers import add_number, read_number
from django_ihuyi.management.printing import PrintingCommand
from django_ihuyi.retention import export


class Command(PrintingCommand):
    """Print one JSON object. It contains complete numbers and texts, for the person they belong to only."""

    help = "Print all data about a number as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        add_number(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the data."""
        held = export(read_number(options["number"]), using=options["database"])
        self.say(json.dumps(held, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2))
