"""Answers on demand, for what no rule brings about."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class ForcedAnswer:
    """A result code to answer with, for so many requests (None: until it is taken back)."""

    code: int
    text: str = ""
    times: int | None = None


class Switches:
    """The forced answers: one for each number, and one for every request that has none of its own."""

    def __init__(self) -> None:
        self._by_mobile: dict[str | None, ForcedAnswer] = {}

    def set(self, mobile: str | None, answer: ForcedAnswer) -> None:
        """Answer this number (None: every request) with a code from now on."""
        self._by_mobile[mobile] = answer

    def clear(self, mobile: str | None) -> None:
        """Let the rules answer this number again."""
        self._by_mobile.pop(mobile, None)

    def take(self, mobile: str) -> ForcedAnswer | None:
        """Return the answer that is forced on a request for this number, and count it as used."""
        key = mobile if mobile in self._by_mobile else None
        answer = self._by_mobile.get(key)
        if answer is not None and answer.times is not None:
            answer.times -= 1
            if answer.times <= 0:
                self.clear(key)
        return answer
