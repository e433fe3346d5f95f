"""Proofs: signed, single-use evidence that a phone was verified for a purpose; the answer to a right code."""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings as django_settings
from django.db import router
from django.utils.encoding import force_bytes

from django_ihuyi.exceptions import InvalidProof
from django_ihuyi.models import Verification

#: How long after the right code a proof can be redeemed.
LIFETIME = timedelta(minutes=10)

_LABEL = b"django_ihuyi.proof.1"
_ID_LENGTH, _MAC_LENGTH = 16, 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a redeemed proof says: this canonical `phone` was held at `verified_at`, for this purpose."""

    phone: str = field(repr=False)
    purpose: str
    verification_id: str
    verified_at: datetime


def make(verification: Verification) -> str:
    """Return the proof of a verification, 64 characters.

    It is the same one each time, so that a lost answer can be repeated.
    """
    mac = _mac(verification, force_bytes(django_settings.SECRET_KEY))
    return base64.urlsafe_b64encode(bytes.fromhex(verification.pk) + mac).decode()


def redeem(token: object, *, purpose: str, using: str | None = None) -> Proof:
    """Use up a proof for `purpose` and return what it says.

    Raises InvalidProof if it is forged, older than 10 minutes, used before, or was made for another purpose; which of
    these is not told. The claim is one conditional UPDATE: of any number of parallel callers exactly one gets it.
    """
    database = using or router.db_for_write(Verification)
    verification = _find(token, using=database)
    if verification is None or verification.verified_at is None or verification.purpose != purpose:
        raise InvalidProof("the proof is not valid: let the phone be verified again")
    if not Verification.objects.using(database).redeem(verification, lifetime=LIFETIME):
        raise InvalidProof("the proof is not valid any more: let the phone be verified again")
    return Proof(
        phone=verification.phone,
        purpose=verification.purpose,
        verification_id=verification.pk,
        verified_at=verification.verified_at,
    )


def _find(token: object, *, using: str) -> Verification | None:
    try:
        decoded = base64.b64decode(str(token), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(decoded) != _ID_LENGTH + _MAC_LENGTH:
        return None
    verifications = Verification.objects.using(using).select_related("recipient")
    verification = verifications.filter(pk=decoded[:_ID_LENGTH].hex()).first()
    if verification and _is_signed(verification, decoded[_ID_LENGTH:]):
        return verification
    return None


def _is_signed(verification: Verification, mac: bytes) -> bool:
    keys = (django_settings.SECRET_KEY, *django_settings.SECRET_KEY_FALLBACKS)
    return any(hmac.compare_digest(mac, _mac(verification, force_bytes(key))) for key in keys)


def _mac(verification: Verification, key: bytes) -> bytes:
    bound = "\x1f".join((verification.pk, verification.phone, verification.purpose)).encode()
    return hmac.digest(hmac.digest(key, _LABEL, "sha256"), bound, "sha256")
