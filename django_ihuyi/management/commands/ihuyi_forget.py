"""Erase all that is held about one number: `manage.py ihuyi_forget NUMBER`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS
from django.utils.translation import gettext as _

from django_ihuyi import phones
from django_ihuyi.management.numbers import add_number, read_number
from django_ihuyi.management.printing import PrintingCommand
from django_ihuyi.retention import forget


class Command(PrintingCommand):
    """Ask, then erase; the limits go on for a day, and a refusal until somebody takes it back."""

    help = "Erase all that is held about a number."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        add_number(parser)
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, help="an alias of DATABASES; default")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Erase, once the answer is yes."""
        phone = read_number(options["number"])
        shown = {"phone": phones.mask(phone)}
        if not options["yes"] and not self._agrees(_("Erase all that is held about %(phone)s? [yes/no] ") % shown):
            raise CommandError(_("Nothing was erased."))
        if forget(phone, using=options["database"]):
            self.say(_("%(phone)s: erased. What the limits count goes within 25 hours, with the next purge.") % shown)
        else:
            self.say(_("%(phone)s: nothing is held.") % shown)

    def _agrees(self, question: str) -> bool:
        try:
            return input(question).strip().lower() == "yes"
        except EOFError as error:
            raise CommandError(_("Nobody is there to ask: give --yes.")) from error
