"""Send a notice by hand: `manage.py ihuyi_send NUMBER … --template NAME`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from django_ihuyi import delivery, phones
from django_ihuyi.exceptions import InvalidPhone, NotSent, UnavailableChannel
from django_ihuyi.management.printing import PrintingCommand
from django_ihuyi.models import State


class Command(PrintingCommand):
    """Send one message to each number, within the usual limits; exit with 1 if one was not sent."""

    help = "Send a notice to each number."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("numbers", nargs="+", metavar="NUMBER")
        parser.add_argument("--template", required=True, help="a name in TEMPLATES")
        parser.add_argument("--variable", action="append", default=[], help="value of a placeholder; repeat it")
        parser.add_argument("--channel", default="sms", help="default: sms")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Send to each number, and print the state of its message."""
        notice = {"template": options["template"], "variables": options["variable"], "channel": options["channel"]}
        numbers = enumerate(options["numbers"], start=1)
        sent = [self._send(number, place=place, notice=notice) for place, number in numbers]
        if not all(sent):
            raise SystemExit(1)

    def _send(self, number: str, *, place: int, notice: dict[str, Any]) -> bool:
        try:
            phone = phones.mask(phones.parse(number))
        except InvalidPhone as error:
            # The text is not printed: it may be a number with a typing error.
            self.say(_("number %(place)d: not sent. %(error)s.") % {"place": place, "error": error})
            return False
        try:
            message = delivery.send(number, **notice)
        except (NotSent, UnavailableChannel) as error:
            self.say(_("%(phone)s: not sent. %(error)s.") % {"phone": phone, "error": error})
            return False
        except ValueError as error:
            raise CommandError(str(error)) from error
        self.say(f"{phone}: {State(message.state).label}")
        return True
