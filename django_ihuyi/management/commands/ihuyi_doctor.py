"""Examine the site: `manage.py ihuyi_doctor [--send-to NUMBER]`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from django.core.management.base import CommandError, CommandParser

from django_ihuyi import delivery, verification
from django_ihuyi.conf import settings
from django_ihuyi.doctor.diagnoses import Diagnosis, Level
from django_ihuyi.doctor.examination import examine
from django_ihuyi.doctor.trials import not_tried, send_and_follow
from django_ihuyi.management.printing import PrintingCommand


class Command(PrintingCommand):
    """Print the state of each thing examined, and the next step; exit with 1 if anything fails."""

    help = "Examine settings, databases, cache and the connection to the platform. Only --send-to sends a message."
    # The checks are part of the examination.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--send-to", metavar="NUMBER", help="also send one real message, and follow it")
        parser.add_argument("--purpose", help="send a code for this purpose; default: the first of PURPOSES")
        parser.add_argument("--template", help="send a notice of this template instead of a code")
        parser.add_argument("--variable", action="append", default=[], help="value of a placeholder; repeat it")
        parser.add_argument("--channel", default="sms", help="the channel of a notice; default: sms")
        parser.add_argument("--wait", type=float, default=10.0, help="seconds to wait for the send; default: 10")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Examine the site, and print each diagnosis as soon as it is known."""
        if options["purpose"] and options["template"]:
            raise CommandError("Give --purpose or --template, not both.")
        diagnoses = []
        for diagnosis in self._examine(options):
            diagnoses.append(diagnosis)
            if not options["json"]:
                self.say(str(diagnosis))
        healthy = not any(diagnosis.level is Level.FAIL for diagnosis in diagnoses)
        if options["json"]:
            found = [diagnosis.as_dict() for diagnosis in diagnoses]
            self.say(json.dumps({"healthy": healthy, "diagnoses": found}, indent=2))
        if not healthy:
            raise SystemExit(1)

    def _examine(self, options: dict[str, Any]) -> Iterator[Diagnosis]:
        fails = False
        for diagnosis in examine():
            fails = fails or diagnosis.level is Level.FAIL
            yield diagnosis
        if options["send_to"]:
            yield not_tried() if fails else self._send(options["send_to"], options)

    def _send(self, phone: str, options: dict[str, Any]) -> Diagnosis:
        send: Callable[[], object]
        if options["template"]:
            notice = {"template": options["template"], "variables": options["variable"], "channel": options["channel"]}
            send = partial(delivery.send, phone, **notice)
        else:
            purpose = options["purpose"] or next(iter(settings.PURPOSES), "")
            send = partial(verification.send_code, phone, purpose=purpose)
        return send_and_follow(phone, send, patience=options["wait"])
