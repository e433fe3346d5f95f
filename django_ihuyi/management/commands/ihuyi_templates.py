"""Lint the texts of TEMPLATES: `manage.py ihuyi_templates`."""

from __future__ import annotations

import json
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_ihuyi.conf import settings
from django_ihuyi.management.printing import PrintingCommand
from django_ihuyi.texts.lint import Complaint, lint
from django_ihuyi.texts.samples import Sample, TextLimits, read_samples


class Command(PrintingCommand):
    """Print each template with its parts, price and problems; exit with 1 if the platform would refuse one."""

    help = "Print each template with its parts, its price, and the reasons for which the platform would refuse it."
    # They would report the same problems, and stop before this command prints the details.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Lint and print each template."""
        found = [(sample, lint(sample)) for sample in read_samples(settings.TEMPLATES, _limits())]
        if options["json"]:
            self.say(json.dumps({sample.name: _as_dict(sample, complaints) for sample, complaints in found}))
        else:
            for sample, complaints in found:
                self._show(sample, complaints)
        if any(complaint.is_certain for _sample, complaints in found for complaint in complaints):
            raise SystemExit(1)

    def _show(self, sample: Sample, complaints: list[Complaint]) -> None:
        parts = ngettext("%(count)d part", "%(count)d parts", sample.parts) % {"count": sample.parts}
        head = [sample.name, parts, _price(sample), f"ID {sample.template_id}" if sample.template_id else ""]
        self.say("  ".join(filter(None, head)))
        for line in sample.text.split("\n"):
            self.say(f"      {line}")
        for complaint in complaints:
            level = "FAIL" if complaint.is_certain else "WARN"
            self.say(f"{level}  {complaint.code or '-'}: {complaint.text}")
        if sample.is_bound:
            self.say(_("NOTE  The signature must come before the text: after the code it would be read as part of it."))


def _limits() -> TextLimits:
    return TextLimits(
        code_length=settings.CODE_LENGTH,
        variable_length=settings.VARIABLE_LENGTH,
        text_length=settings.TEXT_LENGTH,
        signature=settings.SIGNATURE,
    )


def _price(sample: Sample) -> str:
    return str(Decimal(settings.PART_PRICE) * sample.parts) if settings.PART_PRICE else ""


def _as_dict(sample: Sample, complaints: list[Complaint]) -> dict[str, Any]:
    return {
        "text": sample.text,
        "id": sample.template_id,
        "parts": sample.parts,
        "price": _price(sample),
        "complaints": [asdict(complaint) for complaint in complaints],
    }
