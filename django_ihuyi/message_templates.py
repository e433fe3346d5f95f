"""The texts that messages carry: what is filed with the platform under TEMPLATES, filled with the code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django_ihuyi.conf import settings

#: Characters of a message that is billed as one, and of each part of a longer one (the trade's rule).
ONE_PART, EACH_PART = 70, 67


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingText:
    """A text ready to leave: the whole of it, or with a template's number only its variables, joined by `|`."""

    content: str = field(repr=False)
    template_id: str | None = None
    #: The digits, for backends that show them to a developer or a test.
    code: str = field(repr=False)


def fill(purpose: str, code: str) -> OutgoingText:
    """Put a code into the text of its purpose."""
    template = _template_of(purpose)
    template_id = template.get("ID")
    content = code if template_id else template["TEXT"].replace("{code}", code)
    return OutgoingText(content=content, template_id=template_id, code=code)


def masked(purpose: str, code_length: int) -> str:
    """Return the text as the send log keeps it."""
    return _template_of(purpose)["TEXT"].replace("{code}", "*" * code_length)


def count_parts(text: str) -> int:
    """Return how many messages the platform bills for a text."""
    return 1 if len(text) <= ONE_PART else -(-len(text) // EACH_PART)


def _template_of(purpose: str) -> Mapping[str, str]:
    templates: Mapping[str, Mapping[str, str]] = settings.TEMPLATES
    return templates[settings.PURPOSES[purpose].get("TEMPLATE", "code")]
