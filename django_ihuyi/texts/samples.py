"""The texts of TEMPLATES as they are looked at before anything is sent: filled, measured, counted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django_ihuyi.texts.templates import PLACE, count_parts, spread

#: How a line that binds a code to a site begins, well or badly written.
BOUND = re.compile(r"^[^\S\n]*[@＠][^\s@]+\.|[@＠]\S+\s*[#＃]\s*\{", re.MULTILINE)


def read_samples(templates: Mapping[str, Mapping[str, str]], limits: TextLimits) -> Iterator[Sample]:
    """Read TEMPLATES; an entry without a text is nothing to look at."""
    for name, template in templates.items():
        if text := template.get("TEXT"):
            yield Sample(
                name=name,
                text=text,
                template_id=template.get("ID", ""),
                filed=template.get("FILED", ""),
                example=template.get("EXAMPLE", ""),
                limits=limits,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class TextLimits:
    """What is agreed for the platform's account, and how long codes are."""

    code_length: int
    variable_length: int
    text_length: int
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A text as it is looked at, with the longest values that it may be sent with, or those of its example."""

    name: str
    text: str
    template_id: str
    filed: str
    example: str
    limits: TextLimits

    @property
    def variables(self) -> dict[str, str]:
        """A value for each place."""
        examples = dict(zip(self.numbered, self.example.split("|") if self.example else (), strict=False))
        longest = "0" * self.limits.variable_length
        return {"{code}": "0" * self.limits.code_length} | {
            place: examples.get(place, longest) for place in self.numbered
        }

    @property
    def numbered(self) -> list[str]:
        """The places of a notice's variables, in their order."""
        return sorted(set(PLACE.findall(self.text)) - {"{code}"})

    @property
    def content(self) -> str:
        """The text, filled."""
        return spread(self.text, self.variables)

    @property
    def parts(self) -> int:
        """How many messages are billed, the signature included."""
        return count_parts(f"【{self.limits.signature}】{self.content}")

    @property
    def is_bound(self) -> bool:
        """Whether the text means to bind its code to a site."""
        return BOUND.search(self.text) is not None
