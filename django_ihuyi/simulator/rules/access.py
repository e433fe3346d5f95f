"""Who may come in: the account, its password, its addresses (400, 405, 4050, 40501, 40502, 4052)."""

from __future__ import annotations

import hashlib
import hmac
import re

from django_ihuyi.simulator.accounts import NOBODY
from django_ihuyi.simulator.attempt import Attempt, Rule
from django_ihuyi.simulator.products import Action

UNIX_TIME = re.compile(r"[0-9]{10}")

#: What goes into the dynamic password after account and key.
SIGNED = {Action.SUBMIT: ("mobile", "content", "time"), Action.GET_NUM: ("time",)}


def check_account(attempt: Attempt) -> int | None:
    """Refuse an account that does not exist: 405."""
    return 405 if attempt.account is NOBODY else None


def check_password(attempt: Attempt) -> int | None:
    """Refuse a wrong key (405), an old dynamic password (40501) or a wrong one (40502)."""
    if not UNIX_TIME.fullmatch(attempt.value("time")):
        return None if _equal(attempt.value("password"), attempt.account.api_key) else 405
    if abs(int(attempt.now) - int(attempt.value("time"))) > attempt.time_tolerance:
        return 40501
    return None if _equal(attempt.value("password"), _dynamic_password(attempt)) else 40502


def check_blocked_address(attempt: Attempt) -> int | None:
    """Refuse an address that the platform has shut out: 400."""
    return 400 if attempt.call.peer in attempt.blocked_addresses else None


def check_filed_address(attempt: Attempt) -> int | None:
    """Refuse an address that is not filed for the account: 4052."""
    filed = attempt.account.addresses
    return 4052 if filed and attempt.call.peer not in filed else None


def check_frozen(attempt: Attempt) -> int | None:
    """Refuse a frozen account: 4050."""
    return 4050 if attempt.account.is_frozen else None


RULES: tuple[Rule, ...] = (
    check_account,
    check_password,
    check_blocked_address,
    check_filed_address,
    check_frozen,
)


def _dynamic_password(attempt: Attempt) -> str:
    account = attempt.account
    names = SIGNED[attempt.call.action or Action.SUBMIT]
    signed = account.account + account.api_key + "".join(attempt.value(name) for name in names)
    return hashlib.md5(signed.encode(), usedforsecurity=False).hexdigest()


def _equal(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())
