"""The imitated platform's record of one number."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from django_ihuyi.simulator.accounts import Limits
from django_ihuyi.simulator.results import SUCCESS

BEIJING = timezone(timedelta(hours=8))
DAY = 86_400


class Phone:
    """The attempts and the messages of one number at one account, as Unix times."""

    __slots__ = ("attempts", "codes", "is_blacklisted", "messages")

    def __init__(self) -> None:
        self.attempts: list[float] = []
        self.messages: list[float] = []
        self.codes: list[float] = []
        self.is_blacklisted = False

    def remember(self, code: int, *, now: float, is_code: bool) -> None:
        """Store an attempt and its result code: refused ones count as attempts too."""
        # The window is at most a day, so older times can be dropped before each append.
        for times in (self.attempts, self.messages, self.codes):
            times[:] = [time for time in times if time > now - DAY]
        self.attempts.append(now)
        self.is_blacklisted = self.is_blacklisted or code == 408
        if code == SUCCESS:
            self.messages.append(now)
            self.codes += [now] if is_code else []

    def lift(self) -> None:
        """Take the number off the black list; its attempts count anew (ours), or the next one would put it back."""
        self.is_blacklisted = False
        self.attempts.clear()


def start_of_day(now: float, limits: Limits) -> float:
    """Return the moment from which a day's messages count."""
    if not limits.calendar_day:
        return now - DAY
    today = datetime.fromtimestamp(now, BEIJING)
    return today.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


def canonical(mobile: str) -> str:
    """Return the digits that identify a phone, however its number is written."""
    if len(mobile) == 11 and mobile.isascii() and mobile.isdigit():
        return mobile
    digits = "".join(character for character in mobile if character.isascii() and character.isdigit())
    return digits[2:] if len(digits) == 13 and digits.startswith("861") else digits or mobile
