"""Say of a text, before its first message leaves, what the platform would refuse, and why."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from django_ihuyi.conf import DEFAULT_TEXT
from django_ihuyi.texts.samples import BOUND, Sample
from django_ihuyi.texts.templates import PLACE

#: Characters that no text may exceed: the platform's newer documentation (its page says 300; result code 4073).
LONGEST = 500

#: Characters that phones draw as pictures (Unicode UTS #51, Emoji_Presentation, and what turns others into pictures).
_EMOJI = re.compile(
    "[\u20e3\u231a\u231b\u23e9-\u23f3\u25fd\u25fe\u2614\u2615\u2648-\u2653\u267f\u2693\u26a1\u26aa\u26ab\u26bd\u26be"
    "\u26c4\u26c5\u26ce\u26d4\u26ea\u26f2\u26f3\u26f5\u26fa\u26fd\u2705\u270a\u270b\u2728\u274c\u274e\u2753-\u2755"
    "\u2757\u2795-\u2797\u27b0\u27bf\u2b1b\u2b1c\u2b50\u2b55\ufe0f\U0001f000-\U0001faff]"
)
#: What looks like a place; 【变量】 is how the platform's user centre writes one.
_LOOKS_LIKE_A_PLACE = re.compile(r"\{[^{}\n]*\}|｛[^｛｝\n]*｝|【变量】")
_SIGNATURE = re.compile(r"\s*【|.*】\s*$", re.DOTALL)
#: Half-width marks beside Chinese: 4072 if they were filed full-width, as the platform's own templates are.
_HALF_WIDTH = re.compile(r"(?<=[\u3400-\u9fff])[:,.;?!()]|[:,.;?!()](?=[\u3400-\u9fff])")
#: A place in a sentence is Chinese as good as any: what comes before or behind it counts.
_STAND_IN = "字"

#: How the line that binds a code to a site must look to be understood
#: (https://wicg.github.io/sms-one-time-codes/, "Origin-bound one-time codes delivered via SMS").
_HOST = r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?"
_BOUND_LINE = re.compile(rf"@{_HOST} #{PLACE.pattern}( @{_HOST})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class LintRule:
    """One reason for which the platform, or the phone, would not take a text."""

    #: The platform's result code; None where it takes the text, and the phone does not understand it.
    code: int | None
    #: False where it depends on what was filed, or agreed for the account.
    is_certain: bool
    #: Return what is wrong, in a sentence, or nothing.
    complain: Callable[[Sample], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """What is wrong with one text."""

    code: int | None
    is_certain: bool
    text: str


def lint(sample: Sample) -> list[Complaint]:
    """Return all that is wrong with a text."""
    return [
        Complaint(code=rule.code, is_certain=rule.is_certain, text=text)
        for rule in RULES
        if (text := rule.complain(sample))
    ]


def complain_of_places(sample: Sample) -> str:
    """Find what looks like a place and is none, and numbers that leave one out."""
    for place in _LOOKS_LIKE_A_PLACE.findall(sample.text):
        if not PLACE.fullmatch(place):
            return _("%(place)s is no place for a variable, and would be sent as it stands.") % {"place": place}
    if sample.numbered != [f"{{{number}}}" for number in range(1, len(sample.numbered) + 1)]:
        return _("The places %(places)s leave a number out.") % {"places": " ".join(sample.numbered)}
    if sample.example and sample.example.count("|") + 1 != len(sample.numbered):
        return _("The example has not as many values as the text has places.")
    return ""


def complain_of_variables(sample: Sample) -> str:
    """Find a variable that is longer than the account may send."""
    limit = sample.limits.variable_length
    for place, value in sample.variables.items():
        if place in sample.text and len(value) > limit:
            filled = {"place": place, "length": len(value), "limit": limit}
            return _("%(place)s would have %(length)d characters, and %(limit)d may be.") % filled
    return ""


def complain_of_emoji(sample: Sample) -> str:
    """Find a character that is an emoji."""
    found = _EMOJI.search(sample.content)
    return _("U+%(character)04X is an emoji.") % {"character": ord(found[0])} if found else ""


def complain_of_excess(sample: Sample) -> str:
    """Find a text that is longer than the platform takes of anybody."""
    length, limit = len(sample.content), max(LONGEST, sample.limits.text_length)
    filled = {"length": length, "limit": limit}
    return _("The text has %(length)d characters, and %(limit)d may be.") % filled if length > limit else ""


def complain_of_length(sample: Sample) -> str:
    """Find a text that is longer than the platform takes of this account."""
    length, limit = len(sample.content), sample.limits.text_length
    filled = {"length": length, "limit": limit}
    is_long = limit < length <= max(LONGEST, limit)
    return _("The text has %(length)d characters; %(limit)d are agreed for the account.") % filled if is_long else ""


def complain_of_signature(sample: Sample) -> str:
    """Find a signature, which the platform puts there itself."""
    return _("The text seems to carry a signature.") if _SIGNATURE.match(sample.text) else ""


def complain_of_punctuation(sample: Sample) -> str:
    """Find half-width marks beside Chinese, in a text that is sent as it stands."""
    # With its number the platform puts the text together, and ours is only shown.
    prose = "" if sample.template_id else "\n".join(_prose_of(sample))
    found = _HALF_WIDTH.search(PLACE.sub(_STAND_IN, prose)) if re.search(r"[\u3400-\u9fff]", prose) else None
    return _("The mark %(mark)s is a half-width one.") % {"mark": found[0]} if found else ""


def complain_of_filing(sample: Sample) -> str:
    """Find a text of which nobody says that it is filed."""
    is_filed = sample.template_id or sample.filed or sample.text == DEFAULT_TEXT
    return "" if is_filed else _("Nothing says that this text is filed with the platform.")


def complain_of_binding(sample: Sample) -> str:
    """Find a line that means to bind the code to a site, and that no phone understands."""
    if not sample.is_bound or _BOUND_LINE.fullmatch(sample.text.rpartition("\n")[2]):
        return ""
    return _("The line that binds the code to a site is not the last one, or not exactly @host, a blank, #{code}.")


#: All of them, the certain ones first.
RULES = (
    LintRule(code=4072, is_certain=True, complain=complain_of_places),
    LintRule(code=40722, is_certain=True, complain=complain_of_variables),
    LintRule(code=4073, is_certain=True, complain=complain_of_excess),
    LintRule(code=4074, is_certain=True, complain=complain_of_emoji),
    LintRule(code=None, is_certain=True, complain=complain_of_binding),
    LintRule(code=4070, is_certain=False, complain=complain_of_signature),
    LintRule(code=4072, is_certain=False, complain=complain_of_punctuation),
    LintRule(code=4072, is_certain=False, complain=complain_of_filing),
    LintRule(code=4073, is_certain=False, complain=complain_of_length),
)


def _prose_of(sample: Sample) -> Iterator[str]:
    for line in sample.text.split("\n"):
        if not BOUND.search(line):
            yield line
