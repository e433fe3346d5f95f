"""Rules for the number's limits (408, 4030, 4080, 4082, 4085) and the account's balance (4051)."""

from __future__ import annotations

from collections.abc import Sequence

from django_ihuyi.simulator.attempt import Attempt, Rule
from django_ihuyi.simulator.phones import start_of_day


def check_blacklist(attempt: Attempt) -> int | None:
    """Refuse a number on the black list: 4030."""
    return 4030 if attempt.phone.is_blacklisted else None


def check_total(attempt: Attempt) -> int | None:
    """Refuse a number that had too many attempts in a day: 408. `Phone.remember` puts it on the black list."""
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


def check_balance(attempt: Attempt) -> int | None:
    """Refuse a text that the balance does not cover: 4051."""
    return 4051 if attempt.account.balance < attempt.numbers * count_parts(attempt) else None


def count_parts(attempt: Attempt) -> int:
    """Return the units that one number of the request costs; a call costs one (ours)."""
    return 1 if attempt.call.product.is_call else attempt.text.count_parts(choose_signature(attempt))


def choose_signature(attempt: Attempt) -> str:
    """Return the signature that the platform puts before the text."""
    return attempt.value("sign").strip("【】") or next(iter(attempt.account.signatures), "")


ATTEMPT_RULES: tuple[Rule, ...] = (check_blacklist, check_total, check_second)
#: 4085 comes before 4082: both limits are 5 by default, and 4085 could not be met otherwise.
MESSAGE_RULES: tuple[Rule, ...] = (check_codes, check_day, check_balance)


def _refuse(code: int, times: Sequence[float], since: float, limit: int | None) -> int | None:
    if limit is None:
        return None
    return code if sum(time > since for time in times) >= limit else None
