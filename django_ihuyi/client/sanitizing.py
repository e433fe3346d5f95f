"""Make the platform's words fit to be kept and shown: they are anybody's text."""

from __future__ import annotations

import re
from collections.abc import Iterable

MAX_LENGTH = 200


def clean(text: str, *, secrets: Iterable[str] = ()) -> str:
    """Blank secrets that the platform echoes, escape what does not print, and cut to 200 characters."""
    for secret in secrets:
        if secret and secret in text:
            text = text.replace(secret, "***")
    # Cut before the escaping as well, so that a long answer costs nothing.
    return escape(text[:MAX_LENGTH])[:MAX_LENGTH]


def secrets_of(form: dict[str, str]) -> list[str]:
    """List what must not be seen of a request: password, numbers, content, and the codes in it; longest first."""
    mobile, content = form.get("mobile", ""), form.get("content", "")
    found = {form["password"], mobile, content, *re.findall(r"[0-9]{4,}", f"{mobile} {content}")}
    return sorted(found, key=len, reverse=True)


def escape(text: str) -> str:
    """Write what does not print as an escape: controls, line ends, and what turns the direction of writing."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)
