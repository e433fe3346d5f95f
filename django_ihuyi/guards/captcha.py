"""The captcha guard: says who must solve one, and lets each be answered once, where and for what it was shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any, TypeVar

from django.db.transaction import TransactionManagementError

from django_ihuyi.conf import settings
from django_ihuyi.database import transactions
from django_ihuyi.exceptions import CaptchaFailed, CaptchaRequired, SendingUnavailable
from django_ihuyi.guards.base import Guard, Wanted
from django_ihuyi.guards.captchas import DEADLINE, Captcha, CaptchaDown, get_captcha
from django_ihuyi.guards.captchas.rules import CaptchaRule, find_rule
from django_ihuyi.guards.captchas.tickets import LIFETIME, read_ticket, write_ticket
from django_ihuyi.logs import get_logger
from django_ihuyi.models import Kind, Message, Recipient
from django_ihuyi.models.captchas import SpentCaptcha
from django_ihuyi.models.messages import MessageQuerySet

__all__ = ["CaptchaGuard"]

#: Over which time the rules count codes.
DAY = timedelta(days=1)
#: Seconds after which a caller may come back when the captcha is down.
RETRY_AFTER = 5

Answer = TypeVar("Answer")

logger = get_logger("django_ihuyi.guards.captcha")


class CaptchaGuard(Guard):
    """Let nobody pass who must solve a captcha and has not.

    An answer is spent whether it is right or not, and whatever becomes of the send: a second try needs a new captcha.
    Name it in GUARDS behind the guards that may ask for a captcha.
    """

    def check(self, wanted: Wanted, *, using: str) -> Wanted:
        """Raise CaptchaRequired or CaptchaFailed, both with a new captcha; or SendingUnavailable if it is down.

        Raises TransactionManagementError inside a transaction of the caller, whose rollback would give the try back
        and forget a picture that is shown; for purposes of the rule "never" it does not matter.
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
        return replace(wanted, captcha_reason="")


def show_captcha(*, purpose: str, client: str) -> dict[str, Any]:
    """Make a captcha for this purpose and client, and return what to show; raises SendingUnavailable if it is down."""
    captcha = get_captcha()
    challenge = _in_time(captcha, lambda: captcha.challenge(purpose=purpose, client=client))
    ticket = write_ticket(challenge.id, kind=captcha.kind, purpose=purpose, client=client, now=time.time())
    return {"kind": captcha.kind, "challenge_id": ticket, "expires_in": LIFETIME, **challenge.shown}


def _is_due(rule: CaptchaRule, wanted: Wanted, *, using: str) -> bool:
    if rule.word == "always" or wanted.captcha_reason:
        return True
    codes = Message.objects.using(using).filter(kind=Kind.CODE)
    if rule.after_client and wanted.client and _were_sent(codes.filter(client=wanted.client), rule.after_client):
        return True
    recipients = Recipient.objects.using(using).of(wanted.phone)
    return bool(rule.after_number) and _were_sent(codes.filter(recipient__in=recipients), rule.after_number or 0)


def _were_sent(codes: MessageQuerySet, count: int) -> bool:
    """Say whether so many codes were sent in the last day: one look at the index, however long the log is."""
    age = codes.age_of_latest(count)
    return age is not None and age < DAY


def _is_solved(captcha: Captcha, wanted: Wanted, *, using: str) -> bool:
    answer = _texts_of(wanted.captcha or {})
    ticket = answer.pop("challenge_id", "")
    challenge_id = read_ticket(ticket, kind=captcha.kind, purpose=wanted.purpose, client=wanted.client, now=time.time())
    # Spent before it is looked at: nobody gets a second guess, however many arrive at the same moment.
    if challenge_id is None or not _spend(captcha, "challenge", challenge_id, using=using):
        return False
    solution_id = captcha.find_solution_id(answer)
    if solution_id and not _spend(captcha, "solution", solution_id, using=using):
        return False
    return _in_time(captcha, lambda: captcha.verify(answer, challenge_id=challenge_id, client=wanted.client))


def _texts_of(answer: Mapping[str, Any]) -> dict[str, str]:
    return {name: text for name, text in answer.items() if isinstance(text, str)}


def _spend(captcha: Captcha, what: str, name: str, *, using: str) -> bool:
    key = sha256("\x1f".join((captcha.kind, what, name)).encode(errors="replace")).hexdigest()
    return SpentCaptcha.objects.using(using).spend(key)


def _in_time(captcha: Captcha, ask: Callable[[], Answer]) -> Answer:
    """Ask the captcha; what comes too late counts for nothing, so that a slow one is noticed."""
    began = time.monotonic()
    try:
        answer = ask()
        if time.monotonic() - began > DEADLINE:
            raise CaptchaDown(f"it took longer than {DEADLINE:g} seconds")
    except CaptchaDown as error:
        logger.error("the captcha %r is down, so nothing is sent: %s", captcha.kind, error)
        raise SendingUnavailable(retry_after=RETRY_AFTER) from error
    return answer
