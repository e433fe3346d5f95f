"""Rules for the text (407, 4070 to 4075, 40722)."""

from __future__ import annotations

import re

from django_ihuyi.simulator.attempt import Attempt, Rule
from django_ihuyi.simulator.texts import CODE

#: Words that operators filter; the platform's own list is not public.
SENSITIVE_WORDS = ("赌博", "博彩", "代开发票", "枪支", "裸聊")

#: Characters that phones draw as pictures: Emoji_Presentation of Unicode UTS #51, U+20E3 and U+FE0F, which turn others
#: into pictures, and the blocks of pictures from U+1F000.
EMOJI = re.compile(
    "[\u20e3\u231a\u231b\u23e9-\u23f3\u25fd\u25fe\u2614\u2615\u2648-\u2653\u267f\u2693\u26a1\u26aa\u26ab\u26bd\u26be"
    "\u26c4\u26c5\u26ce\u26d4\u26ea\u26f2\u26f3\u26f5\u26fa\u26fd\u2705\u270a\u270b\u2728\u274c\u274e\u2753-\u2755"
    "\u2757\u2795-\u2797\u27b0\u27bf\u2b1b\u2b1c\u2b50\u2b55\ufe0f\U0001f000-\U0001faff]"
)

SIGNATURE = re.compile(r"【?[^【】]{2,20}】?")
OWN_SIGNATURE = re.compile(r"【[^【】]*】")


def check_length(attempt: Attempt) -> int | None:
    """Refuse a text that is too long: 4073."""
    return 4073 if len(attempt.text.content) > attempt.account.text_length else None


def check_emoji(attempt: Attempt) -> int | None:
    """Refuse emoji: 4074."""
    return 4074 if EMOJI.search(attempt.text.content) else None


def check_words(attempt: Attempt) -> int | None:
    """Refuse sensitive words: 407."""
    return 407 if any(word in attempt.text.content for word in SENSITIVE_WORDS) else None


def check_signature_form(attempt: Attempt) -> int | None:
    """Refuse a malformed `sign`, or a text that begins with its own 【signature】: 4070."""
    sign = attempt.value("sign")
    is_malformed = bool(sign) and not SIGNATURE.fullmatch(sign)
    return 4070 if is_malformed or OWN_SIGNATURE.match(attempt.text.content) else None


def check_signature(attempt: Attempt) -> int | None:
    """Refuse a signature that is not approved: 4075."""
    sign = attempt.value("sign").strip("【】")
    return 4075 if sign and sign not in attempt.account.signatures else None


def check_template_id(attempt: Attempt) -> int | None:
    """Refuse a template id that is not filed: 4071."""
    template_id = attempt.value("templateid")
    filed = {template.id for template in attempt.account.templates}
    return 4071 if template_id and template_id not in filed else None


def check_template(attempt: Attempt) -> int | None:
    """Refuse a text that follows no filed template: 4072."""
    return 4072 if attempt.text.template is None else None


def check_variables(attempt: Attempt) -> int | None:
    """Refuse a variable that is too long: 40722."""
    limit = attempt.account.variable_length
    return 40722 if any(len(variable) > limit for variable in attempt.text.variables) else None


def check_code(attempt: Attempt) -> int | None:
    """Refuse a verification code without 4 to 8 digits in it: 4072."""
    text = attempt.text
    return 4072 if text.is_code and text.variables and not any(map(CODE.fullmatch, text.variables)) else None


RULES: tuple[Rule, ...] = (
    check_length,
    check_emoji,
    check_words,
    check_signature_form,
    check_signature,
    check_template_id,
    check_template,
    check_variables,
    check_code,
)
