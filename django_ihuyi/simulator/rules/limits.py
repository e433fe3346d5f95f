"""How many messages a number may get (408, 4030, 4080, 4082, 4085)."""

from __future__ import annotations

from collections.abc import Sequence

from django_ihuyi.simulator.attempt import Attempt, Rule
from django_ihuyi.simulator.phones import start_of_day


def check_blacklist(attempt: Attempt) -> int | None:
    """Refuse a number on the black list: 4030."""
    return 4030 if attempt.phone.is_blacklisted else None


def check_total(attempt: Attempt) -> int | None:
    """Put a number that was tried too often in a day on the black list: 408."""
    since = start_of_day(attempt.now, attempt.limits)
    return _refuse(408, attempt.phone.attempts, since, attempt.limits.blacklist_after)


def check_second(attempt: Attempt) -> int | None:
    """Refuse a second attempt in the same second: 4080."""
    return _refuse(4080, attempt.phone.attempts, attempt.now - 1, attempt.limits.per_second)


def check_codes(attempt: Attempt) -> int | None:
    """Refuse one verification code too many in a day: 4085."""
    if not attempt.text.is_code:
        return None
    since = start_of_day(attempt.now, attempt.limits)
    return _refuse(4085, attempt.phone.codes, since, attempt.limits.codes_per_day)


def check_day(attempt: Attempt) -> int | None:
    """Refuse one message of any kind too many in a day: 4082."""
    since = start_of_day(attempt.now, attempt.limits)
    return _refuse(4082, attempt.phone.messages, since, attempt.limits.per_day)


ATTEMPT_RULES: tuple[Rule, ...] = (check_blacklist, check_total, check_second)
#: 4085 is asked first: where both are 5, a code would otherwise never meet it.
MESSAGE_RULES: tuple[Rule, ...] = (check_codes, check_day)


def _refuse(code: int, times: Sequence[float], since: float, limit: int | None) -> int | None:
    if limit is None:
        return None
    return code if sum(time > since for time in times) >= limit else None
