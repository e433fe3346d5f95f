"""Proofs: signed, single-use evidence that a phone was verified for a purpose. A right code is answered with one."""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

from django.db import router, transaction
from django.views.decorators.debug import sensitive_variables

from django_ihuyi import signals
from django_ihuyi.database import transactions
from django_ihuyi.exceptions import InvalidProof
from django_ihuyi.keys import live_keys
from django_ihuyi.models import Verification

__all__ = ["LIFETIME", "Proof", "assign", "redeem"]

#: How long after the right code a proof can be redeemed.
LIFETIME = timedelta(minutes=10)

_LABEL = b"django_ihuyi.proof.1"
_ID_LENGTH, _MAC_LENGTH = 16, 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A redeemed proof: the canonical `phone` was held at `verified_at`, and verified for `purpose`."""

    phone: str = field(repr=False)
    purpose: str
    verification_id: str
    verified_at: datetime


def make(verification: Verification) -> str:
    """Return the proof of a verification, 64 characters, the same at each call: a lost answer can be repeated."""
    mac = _mac(verification, live_keys(_LABEL)[0])
    return base64.urlsafe_b64encode(bytes.fromhex(verification.pk) + mac).decode()


@sensitive_variables()
def redeem(token: object, *, purpose: str, user: object = None, using: str | None = None) -> Proof:
    """Use up a proof for `purpose` and return its content.

    `user` is the user of yours that it is redeemed for, or its primary key; if you do not know it yet, see `assign`.

    Raises InvalidProof if the proof is forged, older than 10 minutes, used before, or was made for another purpose,
    without telling which. The claim is one conditional UPDATE: of any number of parallel callers exactly one gets it.
    """
    database = using or router.db_for_write(Verification)
    verification = _find(token, using=database)
    if verification is None or verification.verified_at is None or verification.purpose != purpose:
        raise InvalidProof("the proof is not valid: let the phone be verified again")
    holder = _key_of(user)
    if not _claim(verification, holder, using=database):
        raise InvalidProof("the proof is not valid any more: let the phone be verified again")
    return Proof(
        phone=verification.phone,
        purpose=verification.purpose,
        verification_id=verification.pk,
        verified_at=verification.verified_at,
    )


@sensitive_variables()
def assign(proof: Proof, *, user: object, using: str | None = None) -> None:
    """Record the user of a redeemed proof (a user of yours or its primary key), who may not have existed before.

    If another user held the phone until now, that user's verifications no longer count (`verified_within`), and the
    signal `phone_taken_over` is sent after the commit. The first user that is recorded stays.
    """
    database = using or router.db_for_write(Verification)
    verifications, holder = Verification.objects.using(database), _key_of(user)
    with transaction.atomic(using=database):
        if not holder or not verifications.assign(proof.verification_id, user=holder):
            return
        verification = verifications.select_related("recipient").get(pk=proof.verification_id)
        previous = _hand_over(verification, holder, using=database)
    _announce_takeover(verification, previous, using=database)


def _claim(verification: Verification, holder: str, *, using: str) -> bool:
    verifications = Verification.objects.using(using)
    if not holder:
        return verifications.redeem(verification, lifetime=LIFETIME)
    with transaction.atomic(using=using):
        if not verifications.redeem(verification, lifetime=LIFETIME, user=holder):
            return False
        previous = _hand_over(verification, holder, using=using)
    verification.redeemed_by = holder
    _announce_takeover(verification, previous, using=using)
    return True


def _hand_over(verification: Verification, holder: str, *, using: str) -> str:
    verified_at = cast(datetime, verification.verified_at)  # it has a proof
    return verification.recipient.hand_over(holder, verified_at=verified_at, using=using)


def _announce_takeover(verification: Verification, previous: str, *, using: str) -> None:
    user = verification.redeemed_by
    if previous in ("", user):
        return

    def announce() -> None:
        signals.phone_taken_over.send_robust(Verification, verification=verification, user=user, previous=previous)

    transactions.after_commit(announce, using=using)


def _key_of(user: object) -> str:
    """Return the primary key as text; the empty text for None, an anonymous or an unsaved user."""
    key = getattr(user, "pk", user)
    return "" if key is None else str(key)


def _find(token: object, *, using: str) -> Verification | None:
    try:
        decoded = base64.b64decode(str(token), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):  # the latter for characters that are not ASCII
        return None
    if len(decoded) != _ID_LENGTH + _MAC_LENGTH:
        return None
    verifications = Verification.objects.using(using).select_related("recipient")
    verification = verifications.filter(pk=decoded[:_ID_LENGTH].hex()).first()
    if verification and _is_signed(verification, decoded[_ID_LENGTH:]):
        return verification
    return None


def _is_signed(verification: Verification, mac: bytes) -> bool:
    return any(hmac.compare_digest(mac, _mac(verification, key)) for key in live_keys(_LABEL))


def _mac(verification: Verification, key: bytes) -> bytes:
    bound = "\x1f".join((verification.pk, verification.phone, verification.purpose)).encode()
    return hmac.digest(key, bound, "sha256")
