"""Erase all data about one number: `manage.py ihuyi_forget NUMBER`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from django_ihuyi import phones
from django_ihuyi.management.numbers import add_number, read_number
from django_ihuyi.management.printing import PrintingCommand
from django_ihuyi.retention import forget


class Command(PrintingCommand):
    """Ask, then erase. Limits count its messages for another day; opt-outs and suppressions stay until lifted."""

    help = "Erase all data about a number."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        add_number(parser)
        parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Erase the data if the answer is yes."""
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
            raise CommandError(_("There is no terminal to confirm on: add --yes.")) from error
