"""Match texts with filed templates, and fill templates with values."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django_ihuyi.simulator.accounts import VARIABLE, Account, Template

CODE = re.compile(r"[0-9]{4,8}")
DIGITS = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text as the phone shows it; `template` is None if the text follows no filed one."""

    content: str
    template: Template | None = None
    variables: tuple[str, ...] = ()

    @property
    def is_code(self) -> bool:
        """Return True if this is a verification code."""
        return self.template is not None and self.template.is_code

    @property
    def code(self) -> str:
        """Return the digits to type in, or an empty text if this is no verification code."""
        digits = (variable for variable in self.variables if CODE.fullmatch(variable))
        return next(digits, "") if self.is_code else ""

    def count_parts(self, signature: str) -> int:
        """Return the number of billed parts: one up to 70 characters, otherwise 67 a part, signature included."""
        length = len(f"【{signature}】{self.content}" if signature else self.content)
        return 1 if length <= 70 else -(-length // 67)


def speak_code(content: str, account: Account) -> Text:
    """Return the text of a bare code: the account's first template speaks it digit by digit."""
    if not (account.templates and DIGITS.fullmatch(content)):
        return Text(content=content)
    template = account.templates[0]
    spoken = template.text.replace(VARIABLE, "，".join(content))
    return Text(content=spoken, template=template, variables=(content,))


def read_text(content: str, template_id: str, account: Account) -> Text:
    """Return the submitted text; with a `template_id`, `content` has the template's values, divided by `|`."""
    if template_id:
        return _fill(content, template_id, account)
    for template in account.templates:
        variables = match(template.text, content)
        if variables is not None:
            return Text(content=content, template=template, variables=variables)
    return Text(content=content)


def match(pattern: str, content: str) -> tuple[str, ...] | None:
    """Return the values of a template's variables in a text, or None if the text does not follow the template."""
    # Between the literals of the template stand the values, each at least one character long.
    head, *literals = pattern.split(VARIABLE)
    if not literals:
        return () if content == pattern else None
    if not content.startswith(head):
        return None
    return _walk(literals, content[len(head) :])


def _walk(literals: list[str], rest: str) -> tuple[str, ...] | None:
    # Leftmost search finds a match if there is one, in linear time: a regular expression would backtrack.
    *inner, tail = literals
    variables = []
    for literal in inner:
        end = rest.find(literal, 1)
        if end < 1:
            return None
        variables.append(rest[:end])
        rest = rest[end + len(literal) :]
    if not rest.endswith(tail) or len(rest) == len(tail):
        return None
    return (*variables, rest[: len(rest) - len(tail)])


def _fill(content: str, template_id: str, account: Account) -> Text:
    template = next((template for template in account.templates if template.id == template_id), None)
    variables = tuple(content.split("|"))
    if template is None or template.text.count(VARIABLE) != len(variables) or not all(variables):
        return Text(content=content)
    head, *literals = template.text.split(VARIABLE)
    shown = head + "".join(value + literal for value, literal in zip(variables, literals, strict=True))
    return Text(content=shown, template=template, variables=variables)
