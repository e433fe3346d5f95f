"""The fold of `numbers`, for a number that stands within other text: `masking` finds what `parse` accepts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote

from django_ihuyi.phones.numbers import fold

# A character beyond ASCII, or one that `repr`, JSON (as two surrogates if need be) or an address has escaped. "%1" and
# "%0" begin no escape here: the digit may begin a number.
_HEX = "[0-9A-Fa-f]"
_UNUSUAL = re.compile(
    rf"(\\U0001{_HEX}{{4}}|\\u[Dd][89ABab]{_HEX}{{2}}\\u[Dd][C-Fc-f]{_HEX}{{2}}|\\u{_HEX}{{4}}|\\x{_HEX}{{2}}"
    rf"|%[2-7]{_HEX}|%[C-Fc-f]{_HEX}(?:%[89ABab]{_HEX}){{1,3}}|[^\x00-\x7f])"
)
_ASCII = re.compile(r"[\x00-\x7f]+")
_PARTS = frozenset("0123456789+ ")


def fold_within(text: str) -> tuple[str, Sequence[int]]:
    """Return a text with every part of a number unescaped and folded, and where in `text` each character comes from."""
    folded: list[str] = []
    origins: list[int] = []
    position = 0
    for index, piece in enumerate(_UNUSUAL.split(text)):
        if index % 2:  # what the pattern matched: one character
            character = _unescape(piece)
            read = fold(character)
            # A full-width colon stays, for example: an ASCII colon before 00 means a time of day.
            folded.append(read if _PARTS.issuperset(read) else character)
            origins += [position] * len(folded[-1])
        else:
            folded.append(fold(piece))
            origins += range(position, position + len(piece))
        position += len(piece)
    return "".join(folded), [*origins, position]


def fold_ascii(text: str) -> tuple[str, Sequence[int]]:
    """Return the same without unescaping, and with all characters beyond ASCII as they are."""
    return _ASCII.sub(lambda run: fold(run[0]), text), range(len(text) + 1)


def _unescape(piece: str) -> str:
    if piece.startswith("\\"):
        return piece.encode().decode("unicode_escape").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return unquote(piece)
