"""When a captcha must be solved: the RULES of CAPTCHA, by purpose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: The rule of a purpose that RULES names neither itself nor by "*".
DEFAULT = "always"
#: "asked" means when another guard asks for one.
WORDS = ("always", "asked", "never")
COUNTS = ("after_client", "after_number")


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptchaRule:
    """A rule, read: a word, or codes that may be sent in 24 hours before a captcha is wanted (None: any number)."""

    word: str = "asked"
    after_client: int | None = None
    after_number: int | None = None


def find_rule(purpose: str, rules: Mapping[str, Any]) -> CaptchaRule:
    """Return the rule for a purpose; raises ValueError for one that is none."""
    return parse_rule(rules.get(purpose, rules.get("*", DEFAULT)))


def parse_rule(written: object) -> CaptchaRule:
    """Return the rule that a value of RULES spells, or raise ValueError."""
    if isinstance(written, str) and written in WORDS:
        return CaptchaRule(word=written)
    if isinstance(written, Mapping) and written and all(_is_count(*item) for item in written.items()):
        return CaptchaRule(**written)
    raise ValueError(f"{written!r} is no rule")


def _is_count(name: object, count: object) -> bool:
    return name in COUNTS and type(count) is int and count > 0
