"""Findings of the template linter: texts of TEMPLATES that the platform would refuse, with the result code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from django_ihuyi.checks.findings import finding
from django_ihuyi.checks.names import sound
from django_ihuyi.conf import Settings
from django_ihuyi.texts import lint
from django_ihuyi.texts.samples import Sample, TextLimits, read_samples

#: Possible values of VARIABLE_LENGTH and TEXT_LENGTH: the send log stores no longer text.
POSSIBLE = range(1, 1001)


@finding("E026", hint="Shorten the text: the platform would refuse it (4073).")
def find_texts_too_long() -> Iterator[str]:
    """A text is longer than the platform accepts."""
    yield from _lint(lint.complain_of_excess)


@finding("W005", hint="Shorten it. If your account has been granted more (4073), set TEXT_LENGTH.")
def find_long_texts() -> Iterator[str]:
    """A text is longer than TEXT_LENGTH, which the platform accepts from every account."""
    yield from _lint(lint.complain_of_length)


@finding("W006", hint="Remove the signature from the text: the platform adds it.")
def find_signatures() -> Iterator[str]:
    """A text begins or ends with a signature: the platform would add a second one, or refuse the text (4070)."""
    yield from _lint(lint.complain_of_signature)


@finding("E037", hint="Write {code}, or {1}, {2}, {3}, …, where the filed text has 【变量】, and an EXAMPLE for each.")
def find_wrong_places() -> Iterator[str]:
    """A text has a malformed placeholder, or its placeholders skip a number (4072)."""
    yield from _lint(lint.complain_of_places)


@finding("E038", hint="Shorten the code or the variable. If your account has been granted more, set VARIABLE_LENGTH.")
def find_long_variables() -> Iterator[str]:
    """A code, or a variable in an EXAMPLE, is longer than VARIABLE_LENGTH: the platform would refuse it (40722)."""
    yield from _lint(lint.complain_of_variables)


@finding("E039", hint="Remove the emoji: the platform would refuse the text (4074).")
def find_emoji() -> Iterator[str]:
    """A text contains an emoji."""
    yield from _lint(lint.complain_of_emoji)


@finding("E040", hint='End the text with "\\n@your.host #{code}": host, one space, code, and nothing after it.')
def find_wrong_bindings() -> Iterator[str]:
    """A text binds its code to a site in a form that no phone understands."""
    yield from _lint(lint.complain_of_binding)


@finding("W011", hint="Write ：，。；？！（）, as in the filed text: with another character it is another text (4072).")
def find_half_width_marks() -> Iterator[str]:
    """A text has half-width punctuation next to Chinese, where filed texts have full-width."""
    yield from _lint(lint.complain_of_punctuation)


@finding("W012", hint="Set ID to the template's number, or FILED to the date of approval.", deploy=True)
def find_unfiled_texts() -> Iterator[str]:
    """A text has neither ID nor FILED: the platform refuses texts that are not filed with it (4072)."""
    yield from _lint(lint.complain_of_filing)


@finding("E041", hint='Write a decimal number, such as "0.045", or leave it empty.')
def find_wrong_price() -> Iterator[str]:
    """PART_PRICE is not an amount of money."""
    if not re.fullmatch(r"([0-9]{1,6}(\.[0-9]{1,6})?)?", sound("PART_PRICE")):
        yield f"IHUYI['PART_PRICE'] is {sound('PART_PRICE')!r}, which is not an amount of money."


@finding("E042", hint="Leave VARIABLE_LENGTH at 8 and TEXT_LENGTH at 300, unless your account has been granted more.")
def find_wrong_text_limits() -> Iterator[str]:
    """VARIABLE_LENGTH or TEXT_LENGTH is below 1 or above 1000."""
    for name in ("VARIABLE_LENGTH", "TEXT_LENGTH"):
        if sound(name) not in POSSIBLE:
            yield f"IHUYI[{name!r}] is {sound(name)}, but must be from 1 to 1000."


def _lint(complain: Callable[[Sample], str]) -> Iterator[str]:
    limits = TextLimits(
        code_length=min(max(sound("CODE_LENGTH"), 0), 8),  # ihuyi.E004 reports other values
        variable_length=_possible("VARIABLE_LENGTH"),
        text_length=_possible("TEXT_LENGTH"),
        signature=sound("SIGNATURE"),
    )
    for sample in read_samples(sound("TEMPLATES"), limits):
        if complaint := complain(sample):
            yield f"The template {sample.name!r}: {complaint}"


def _possible(name: str) -> int:
    value: int = sound(name)
    return value if value in POSSIBLE else getattr(Settings, name)
