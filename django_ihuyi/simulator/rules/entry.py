"""Rules for the request itself; an attempt that they refuse leaves no trace at its number.

Parameters (401 to 404), account (400, 405, 4050, 40501, 40502, 4052), number (406, magic numbers), time (0).
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import re
from datetime import datetime

from django_ihuyi.simulator.accounts import NOBODY
from django_ihuyi.simulator.attempt import Attempt, Rule
from django_ihuyi.simulator.phones import BEIJING
from django_ihuyi.simulator.products import PRODUCTS, Action
from django_ihuyi.simulator.results import magic_numbers

UNIX_TIME = re.compile(r"[0-9]{10}")

#: The parameters that the dynamic password signs, after account and key.
SIGNED = {Action.SUBMIT: ("mobile", "content", "time"), Action.GET_NUM: ("time",)}

MAGIC = {product.name: magic_numbers(product.magic_prefix) for product in PRODUCTS}


def _require(name: str, code: int) -> Rule:
    """Return a rule that refuses a request without a parameter."""
    return lambda attempt: None if attempt.value(name) else code


def check_account(attempt: Attempt) -> int | None:
    """Refuse an account that does not exist: 405."""
    return 405 if attempt.account is NOBODY else None


def check_password(attempt: Attempt) -> int | None:
    """Refuse a wrong key (405), an old dynamic password (40501) or a wrong one (40502)."""
    if not UNIX_TIME.fullmatch(attempt.value("time")):
        return None if _equal(attempt.value("password"), attempt.account.api_key) else 405
    if abs(int(attempt.now) - int(attempt.value("time"))) > attempt.policy.time_tolerance:
        return 40501
    return None if _equal(attempt.value("password"), _dynamic_password(attempt)) else 40502


def check_blocked_address(attempt: Attempt) -> int | None:
    """Refuse an address that the platform blocks: 400."""
    return 400 if attempt.call.peer in attempt.policy.blocked_addresses else None


def check_filed_address(attempt: Attempt) -> int | None:
    """Refuse an address that is not filed for the account: 4052."""
    filed = attempt.account.addresses
    return 4052 if filed and attempt.call.peer not in filed else None


def check_frozen(attempt: Attempt) -> int | None:
    """Refuse a frozen account: 4050."""
    return 4050 if attempt.account.is_frozen else None


def check_number(attempt: Attempt) -> int | None:
    """Refuse a number that does not have the product's form: 406."""
    return None if attempt.call.product.number.fullmatch(attempt.mobile) else 406


def check_magic(attempt: Attempt) -> int | None:
    """Answer a magic number with the code that it carries."""
    return MAGIC[attempt.call.product.name].get(attempt.mobile)


def check_time(attempt: Attempt) -> int | None:
    """Refuse an `stime` that cannot be read: 0 (ours). Otherwise the messages would leave at once."""
    return 0 if departure(attempt) is None else None


def departure(attempt: Attempt) -> float | None:
    """Return when the message leaves, or None if `stime` is neither Unix seconds nor Beijing's wall time (ours)."""
    stime = attempt.value("stime") if attempt.call.product.takes_list else ""
    if not stime:
        return attempt.now
    if UNIX_TIME.fullmatch(stime):
        return max(attempt.now, float(stime))
    with contextlib.suppress(ValueError):
        wall = datetime.strptime(stime, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)
        return max(attempt.now, wall.timestamp())
    return None


ACCOUNT_RULES: tuple[Rule, ...] = (
    check_account,
    check_password,
    check_blocked_address,
    check_filed_address,
    check_frozen,
)
BALANCE_RULES: tuple[Rule, ...] = (_require("account", 401), _require("password", 402), *ACCOUNT_RULES)
SUBMIT_RULES: tuple[Rule, ...] = (
    _require("account", 401),
    _require("password", 402),
    _require("mobile", 403),
    _require("content", 404),
    *ACCOUNT_RULES,
    check_number,
    check_magic,
    check_time,
)


def _dynamic_password(attempt: Attempt) -> str:
    account = attempt.account
    names = SIGNED[attempt.call.action or Action.SUBMIT]
    signed = account.account + account.api_key + "".join(attempt.value(name) for name in names)
    # MD5 is the platform's algorithm.
    return hashlib.md5(signed.encode(), usedforsecurity=False).hexdigest()


def _equal(given: str, expected: str) -> bool:
    # As bytes: compare_digest raises TypeError for text that is not ASCII.
    return hmac.compare_digest(given.encode(), expected.encode())
