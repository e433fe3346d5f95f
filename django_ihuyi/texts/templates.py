"""Fill the templates of TEMPLATES, which are filed with the platform, with variables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django_ihuyi.conf import settings

#: A variable's place: {code}, or {1}, {2}, … by its number. The same place may occur more than once.
PLACE = re.compile(r"\{(?:code|[1-9])\}")

#: Characters of a message that is billed as one, and of each part of a longer one (the platform's user guide).
ONE_PART, EACH_PART = 70, 67


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingText:
    """A text as it is sent: the whole text, or with a template's number only its variables, joined by `|`."""

    content: str = field(repr=False)
    template_id: str | None = None
    #: The code's digits, for backends that speak them or show them to a developer or a test; empty for a notice.
    code: str = field(default="", repr=False)


def template_of(purpose: str) -> str:
    """Return the name of the template for codes of `purpose`."""
    purposes: Mapping[str, Mapping[str, str]] = settings.PURPOSES
    return purposes[purpose].get("TEMPLATE", "code")


def fill(template: str, variables: Sequence[str], *, code: str = "") -> OutgoingText:
    """Fill a template as the backend sends it."""
    found = settings.TEMPLATES[template]
    values = _assign(template, variables)
    if template_id := found.get("ID"):
        content = "|".join(values[place] for place in PLACE.findall(found["TEXT"]))
        return OutgoingText(content=content, template_id=template_id, code=code)
    return OutgoingText(content=spread(found["TEXT"], values), code=code)


def render(template: str, variables: Sequence[str]) -> str:
    """Return the text as the phone shows it. Raises ValueError for too few or too many variables."""
    return spread(settings.TEMPLATES[template]["TEXT"], _assign(template, variables))


def spread(text: str, values: Mapping[str, str]) -> str:
    """Return the text with a value in each place."""
    return PLACE.sub(lambda place: values[place[0]], text)


def count_billed_parts(text: str) -> int:
    """Return how many messages the platform bills for a text, with the SIGNATURE that it adds."""
    return count_parts(f"【{settings.SIGNATURE}】{text}")


def count_parts(text: str) -> int:
    """Return how many messages the platform bills for a text."""
    return 1 if len(text) <= ONE_PART else -(-len(text) // EACH_PART)  # rounded up


def _assign(template: str, variables: Sequence[str]) -> dict[str, str]:
    places = sorted(set(PLACE.findall(settings.TEMPLATES[template]["TEXT"])))
    if len(places) != len(variables):
        more_or_fewer = "more" if len(places) > len(variables) else "fewer"
        raise ValueError(f"the template {template!r} has {more_or_fewer} places than there are variables")
    return dict(zip(places, variables, strict=True))
