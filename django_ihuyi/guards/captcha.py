"""The captcha guard: decides by the RULES of CAPTCHA when one must be solved, and accepts each answer once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from typing import Any, TypeVar

from django.db.transaction import TransactionManagementError

from django_ihuyi.conf import settings
from django_ihuyi.database import transactions
from django_ihuyi.exceptions import CaptchaFailed, CaptchaRequired, SendingUnavailable
from django_ihuyi.guards import Guard, Wanted, has_guard
from django_ihuyi.guards.captchas import DEADLINE, Captcha, CaptchaDown, get_captcha
from django_ihuyi.guards.captchas.tickets import LIFETIME, read_ticket, write_ticket
from django_ihuyi.logs import get_logger
from django_ihuyi.models import Kind, Message, Recipient
from django_ihuyi.models.captchas import SpentCaptcha
from django_ihuyi.models.messages import MessageQuerySet

__all__ = ["CaptchaGuard"]

#: The rule of a purpose that RULES names neither itself nor by "*".
DEFAULT = "always"
#: "asked" means: when an earlier guard wants a captcha.
WORDS = ("always", "asked", "never")
COUNTS = ("after_client", "after_number")
#: The window in which the rules count codes.
DAY = timedelta(days=1)
#: Retry-After, in seconds, while the captcha is down.
RETRY_AFTER = 5

Answer = TypeVar("Answer")

logger = get_logger("django_ihuyi.guards.captcha")


class CaptchaGuard(Guard):
    """Refuse requests that need a captcha and bring no right answer.

    An answer is spent whether it is right or not, and whatever becomes of the message: a second try needs a new
    captcha. In GUARDS, it follows the guards that may want a captcha.
    """

    def check(self, wanted: Wanted, *, using: str) -> Wanted:
        """Raise CaptchaRequired or CaptchaFailed, both with a new captcha, or SendingUnavailable if it is down.

        Raises TransactionManagementError inside a transaction of the caller, unless the rule is "never": a rollback
        would give the try back, and delete a picture that was shown.
        """
        rule = find_rule(wanted.purpose, settings.CAPTCHA.get("RULES", {}))
        if rule.word == "never":
            return wanted
        if transactions.is_open(using):
            raise TransactionManagementError(
                "a captcha is good for one try: call send_code outside of atomic() and ATOMIC_REQUESTS"
            )
        if not _is_due(rule, wanted, using=using):
            return wanted
        captcha = get_captcha()
        if wanted.captcha is None:
            raise CaptchaRequired(show_captcha(purpose=wanted.purpose, client=wanted.client))
        if not _is_solved(captcha, wanted, using=using):
            raise CaptchaFailed(show_captcha(purpose=wanted.purpose, client=wanted.client))
        return replace(wanted, captcha_reason="", is_captcha_solved=True)


def show_captcha(*, purpose: str, client: str) -> dict[str, Any]:
    """Return a new captcha for this purpose and client, as JSON values. Raises SendingUnavailable if it is down."""
    captcha = get_captcha()
    challenge = _in_time(captcha, lambda: captcha.challenge(purpose=purpose, client=client))
    ticket = write_ticket(challenge.id, kind=captcha.kind, purpose=purpose, client=client, now=time.time())
    return {"kind": captcha.kind, "challenge_id": ticket, "expires_in": LIFETIME, **challenge.shown}


def can_be_wanted(purpose: str) -> bool:
    """Return True if a guard that wants a captcha for this purpose gets one."""
    return has_guard(CaptchaGuard) and find_rule(purpose, settings.CAPTCHA.get("RULES", {})).word != "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptchaRule:
    """A parsed rule: a word, or numbers of codes in 24 hours from which on a captcha is wanted (None: no limit)."""

    word: str = "asked"
    after_client: int | None = None
    after_number: int | None = None


def find_rule(purpose: str, rules: Mapping[str, Any]) -> CaptchaRule:
    """Return the rule of a purpose. Raises ValueError if it is malformed."""
    return parse_rule(rules.get(purpose, rules.get("*", DEFAULT)))


def parse_rule(written: object) -> CaptchaRule:
    """Return the parsed value of RULES. Raises ValueError if it is malformed."""
    if isinstance(written, str) and written in WORDS:
        return CaptchaRule(word=written)
    if isinstance(written, Mapping) and written and all(_is_count(*item) for item in written.items()):
        return CaptchaRule(**written)
    raise ValueError(f"{written!r} is not a rule")


def _is_count(name: object, count: object) -> bool:
    return name in COUNTS and type(count) is int and count > 0


def _is_due(rule: CaptchaRule, wanted: Wanted, *, using: str) -> bool:
    if rule.word == "always" or wanted.captcha_reason:
        return True
    codes = Message.objects.using(using).filter(kind=Kind.CODE)
    if rule.after_client and wanted.client and _were_sent(codes.filter(client=wanted.client), rule.after_client):
        return True
    recipients = Recipient.objects.using(using).of(wanted.phone)
    return bool(rule.after_number) and _were_sent(codes.filter(recipient__in=recipients), rule.after_number or 0)


def _were_sent(codes: MessageQuerySet, count: int) -> bool:
    """Return True if `count` codes were sent in the last day. It reads one index entry, however long the log is."""
    age = codes.age_of_latest(count)
    return age is not None and age < DAY


def _is_solved(captcha: Captcha, wanted: Wanted, *, using: str) -> bool:
    answer = {name: text for name, text in (wanted.captcha or {}).items() if isinstance(text, str)}
    ticket = answer.pop("challenge_id", "")
    challenge_id = read_ticket(ticket, kind=captcha.kind, purpose=wanted.purpose, client=wanted.client, now=time.time())
    # Spent before it is judged, so that simultaneous requests with one challenge have one guess.
    if challenge_id is None or not _spend(captcha, "challenge", challenge_id, using=using):
        return False
    solution_id = captcha.find_solution_id(answer)
    if solution_id and not _spend(captcha, "solution", solution_id, using=using):
        return False
    return _in_time(captcha, lambda: captcha.verify(answer, challenge_id=challenge_id, client=wanted.client))


def _spend(captcha: Captcha, what: str, name: str, *, using: str) -> bool:
    key = sha256("\x1f".join((captcha.kind, what, name)).encode(errors="replace")).hexdigest()
    return SpentCaptcha.objects.using(using).spend(key)


def _in_time(captcha: Captcha, ask: Callable[[], Answer]) -> Answer:
    """Return the captcha's answer. A late answer counts as CaptchaDown, so that operators notice a slow captcha."""
    began = time.monotonic()
    try:
        answer = ask()
        if time.monotonic() - began > DEADLINE:
            raise CaptchaDown(f"it took longer than {DEADLINE:g} seconds")
    except CaptchaDown as error:
        logger.error("the captcha %r is down, so nothing is sent: %s", captcha.kind, error)
        raise SendingUnavailable(retry_after=RETRY_AFTER) from error
    return answer
