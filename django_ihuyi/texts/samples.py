"""The texts of TEMPLATES filled with sample values, to be shown, measured and linted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django_ihuyi.texts.templates import PLACE, count_parts, spread

#: A line that binds a code to a site, well-formed or not.
BOUND = re.compile(r"^[^\S\n]*[@＠][^\s@]+\.|[@＠]\S+\s*[#＃]\s*\{", re.MULTILINE)


def read_samples(templates: Mapping[str, Mapping[str, str]], limits: TextLimits) -> Iterator[Sample]:
    """Return a sample of each entry of TEMPLATES that has a text."""
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
    """The limits that are agreed for the platform's account, and the length of codes."""

    code_length: int
    variable_length: int
    text_length: int
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A text, filled with the values of its example, or with the longest ones that it may be sent with."""

    name: str
    text: str
    template_id: str
    filed: str
    example: str
    limits: TextLimits

    @property
    def variables(self) -> dict[str, str]:
        """The value of each place."""
        examples = dict(zip(self.numbered, self.example.split("|") if self.example else (), strict=False))
        longest = "0" * self.limits.variable_length
        return {"{code}": "0" * self.limits.code_length} | {
            place: examples.get(place, longest) for place in self.numbered
        }

    @property
    def numbered(self) -> list[str]:
        """The places of a notice's variables, in order."""
        return sorted(set(PLACE.findall(self.text)) - {"{code}"})

    @property
    def content(self) -> str:
        """The filled text."""
        return spread(self.text, self.variables)

    @property
    def parts(self) -> int:
        """The number of messages that are billed, with the signature."""
        return count_parts(f"【{self.limits.signature}】{self.content}")

    @property
    def is_bound(self) -> bool:
        """True if the text has a line that binds its code to a site."""
        return BOUND.search(self.text) is not None
