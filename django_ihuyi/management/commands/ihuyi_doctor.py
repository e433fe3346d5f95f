"""Examine the site: `manage.py ihuyi_doctor [--send-to NUMBER]`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandError, CommandParser

from django_ihuyi.conf import settings
from django_ihuyi.doctor.diagnoses import Diagnosis, is_healthy
from django_ihuyi.doctor.examination import examine
from django_ihuyi.doctor.trials import not_tried, send_code, send_notice
from django_ihuyi.management.printing import PrintingCommand


class Command(PrintingCommand):
    """Say in plain lines what works, what does not, and what to do; exit with 1 if anything fails."""

    help = "Examine settings, stores, and the way to the platform; nothing is sent unless --send-to asks for it."
    # They are a part of the examination.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--send-to", metavar="NUMBER", help="send one real message too, and follow it")
        parser.add_argument("--purpose", help="send a code for this purpose (the default: the first of PURPOSES)")
        parser.add_argument("--template", help="send a notice of this template, and no code")
        parser.add_argument("--variable", action="append", default=[], help="fills a place of the template; repeat it")
        parser.add_argument("--channel", default="sms", help="the channel of a notice")
        parser.add_argument("--wait", type=float, default=10.0, help="seconds to wait until a message has left (10)")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Examine, and print as it goes."""
        if options["purpose"] and options["template"]:
            raise CommandError("Name a purpose or a template, not both.")
        diagnoses = []
        for diagnosis in self._examine(options):
            diagnoses.append(diagnosis)
            if not options["json"]:
                self.say(str(diagnosis))
        healthy = is_healthy(diagnoses)
        if options["json"]:
            found = [diagnosis.as_dict() for diagnosis in diagnoses]
            self.say(json.dumps({"healthy": healthy, "diagnoses": found}, indent=2))
        if not healthy:
            raise SystemExit(1)

    def _examine(self, options: dict[str, Any]) -> Iterator[Diagnosis]:
        healthy = True
        for diagnosis in examine():
            healthy = healthy and is_healthy([diagnosis])
            yield diagnosis
        if options["send_to"]:
            yield self._send(options) if healthy else not_tried()

    def _send(self, options: dict[str, Any]) -> Diagnosis:
        if options["template"]:
            return send_notice(
                options["send_to"],
                template=options["template"],
                variables=options["variable"],
                channel=options["channel"],
                patience=options["wait"],
            )
        purpose = options["purpose"] or next(iter(settings.PURPOSES), "")
        return send_code(options["send_to"], purpose=purpose, patience=options["wait"])
