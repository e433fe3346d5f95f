"""Lint message templates: report what the platform would reject, before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from django_ihuyi.conf import DEFAULT_TEXT
from django_ihuyi.texts.samples import BOUND, Sample
from django_ihuyi.texts.templates import PLACE

#: The most characters of any text, by the platform's newer documentation (its page says 300; result code 4073).
LONGEST = 500

#: Emoji: Unicode UTS #51, Emoji_Presentation, and the marks that turn other characters into emoji.
_EMOJI = re.compile(
    "[\u20e3\u231a\u231b\u23e9-\u23f3\u25fd\u25fe\u2614\u2615\u2648-\u2653\u267f\u2693\u26a1\u26aa\u26ab\u26bd\u26be"
    "\u26c4\u26c5\u26ce\u26d4\u26ea\u26f2\u26f3\u26f5\u26fa\u26fd\u2705\u270a\u270b\u2728\u274c\u274e\u2753-\u2755"
    "\u2757\u2795-\u2797\u27b0\u27bf\u2b1b\u2b1c\u2b50\u2b55\ufe0f\U0001f000-\U0001faff]"
)
#: A variable's place, or an attempt at one; 【变量】 is how the platform's user centre writes it.
_LOOKS_LIKE_A_PLACE = re.compile(r"\{[^{}\n]*\}|｛[^｛｝\n]*｝|【变量】")
_SIGNATURE = re.compile(r"\s*【|.*】\s*$", re.DOTALL)
#: Half-width marks beside Chinese: 4072 if the template was filed with full-width ones, as the platform's own are.
_HALF_WIDTH = re.compile(r"(?<=[\u3400-\u9fff])[:,.;?!()]|[:,.;?!()](?=[\u3400-\u9fff])")
#: Replaces a place, which counts as Chinese: a half-width mark beside it is found, too.
_STAND_IN = "字"

#: The line that binds a code to a site
#: (https://wicg.github.io/sms-one-time-codes/, "Origin-bound one-time codes delivered via SMS").
_HOST = r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?"
_BOUND_LINE = re.compile(rf"@{_HOST} #{PLACE.pattern}( @{_HOST})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class LintRule:
    """One reason for the platform to reject a text, or for the phone not to understand it."""

    #: The platform's result code; None if only the phone has trouble with the text.
    code: int | None
    #: False if it depends on the filed templates, or on the account's terms.
    is_certain: bool
    #: Returns the fault as a sentence, empty if there is none.
    complain: Callable[[Sample], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """One fault of a text."""

    code: int | None
    is_certain: bool
    text: str


def lint(sample: Sample) -> list[Complaint]:
    """Return all faults of a text."""
    return [
        Complaint(code=rule.code, is_certain=rule.is_certain, text=text)
        for rule in RULES
        if (text := rule.complain(sample))
    ]


def complain_of_places(sample: Sample) -> str:
    """Complain of a malformed place, of a number left out, and of an example that does not fit the places."""
    for place in _LOOKS_LIKE_A_PLACE.findall(sample.text):
        if not PLACE.fullmatch(place):
            return _("%(place)s is no place for a variable, and would be sent as it stands.") % {"place": place}
    if sample.numbered != [f"{{{number}}}" for number in range(1, len(sample.numbered) + 1)]:
        return _("The places %(places)s leave a number out.") % {"places": " ".join(sample.numbered)}
    if sample.example and sample.example.count("|") + 1 != len(sample.numbered):
        return _("The example has not as many values as the text has places.")
    return ""


def complain_of_variables(sample: Sample) -> str:
    """Complain of a variable longer than the account may send."""
    limit = sample.limits.variable_length
    for place, value in sample.variables.items():
        if place in sample.text and len(value) > limit:
            filled = {"place": place, "length": len(value), "limit": limit}
            return _("%(place)s would have %(length)d characters, and %(limit)d may be.") % filled
    return ""


def complain_of_emoji(sample: Sample) -> str:
    """Complain of an emoji."""
    found = _EMOJI.search(sample.content)
    return _("U+%(character)04X is an emoji.") % {"character": ord(found[0])} if found else ""


def complain_of_excess(sample: Sample) -> str:
    """Complain of a text longer than the platform takes from any account."""
    # An account may have agreed on more than the documents say.
    length, limit = len(sample.content), max(LONGEST, sample.limits.text_length)
    filled = {"length": length, "limit": limit}
    return _("The text has %(length)d characters, and %(limit)d may be.") % filled if length > limit else ""


def complain_of_length(sample: Sample) -> str:
    """Complain of a text longer than the platform takes from this account."""
    length, limit = len(sample.content), sample.limits.text_length
    filled = {"length": length, "limit": limit}
    is_long = limit < length <= max(LONGEST, limit)
    return _("The text has %(length)d characters; %(limit)d are agreed for the account.") % filled if is_long else ""


def complain_of_signature(sample: Sample) -> str:
    """Complain of a signature: the platform adds it."""
    return _("The text seems to carry a signature.") if _SIGNATURE.match(sample.text) else ""


def complain_of_punctuation(sample: Sample) -> str:
    """Complain of half-width marks beside Chinese, in a text that is sent as it is."""
    # With a template's number only the variables are sent, and the platform composes the text.
    lines = [] if sample.template_id else sample.text.split("\n")
    # The line that binds a code to a site is full of half-width marks, as its specification demands.
    prose = "\n".join(line for line in lines if not BOUND.search(line))
    found = _HALF_WIDTH.search(PLACE.sub(_STAND_IN, prose)) if re.search(r"[\u3400-\u9fff]", prose) else None
    return _("The mark %(mark)s is a half-width one.") % {"mark": found[0]} if found else ""


def complain_of_filing(sample: Sample) -> str:
    """Complain of a text that no setting declares as filed."""
    is_filed = sample.template_id or sample.filed or sample.text == DEFAULT_TEXT
    return "" if is_filed else _("Nothing says that this text is filed with the platform.")


def complain_of_binding(sample: Sample) -> str:
    """Complain of a malformed line that binds the code to a site."""
    if not sample.is_bound or _BOUND_LINE.fullmatch(sample.text.rpartition("\n")[2]):
        return ""
    return _("The line that binds the code to a site is not the last one, or not exactly @host, a blank, #{code}.")


#: All rules, the certain ones first.
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
