"""Verifications: attempts to prove, each for one purpose, that a person holds a phone."""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timedelta

from django.db import connections, models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from django_ihuyi import codes
from django_ihuyi.database.clock import SQL_NOW, DatabaseNow
from django_ihuyi.database.transactions import StaleRow
from django_ihuyi.models.recipients import Recipient
from django_ihuyi.phones import fixed_codes

#: In SQL, because the ORM takes longer to build it than the rest of a guess takes (docs/explanation/performance).
_SPEND_ATTEMPT = """
UPDATE ihuyi_verification SET attempts = attempts + 1, verified_at = %s{ended}
WHERE id = %s AND attempts = %s AND verified_at IS NULL AND expires_at > {now} AND seed <> ''
  AND EXISTS (SELECT 1 FROM ihuyi_recipient WHERE id = %s AND version = %s)
"""

_ID = re.compile(r"[0-9a-f]{32}")


def parse_id(text: object) -> str | None:
    """Return the id of a verification, 32 hexadecimal digits; None for a text that cannot be one."""
    return text if isinstance(text, str) and _ID.fullmatch(text) else None


class VerificationQuerySet(models.QuerySet["Verification"]):
    """Rules about verifications, each decided by one conditional statement."""

    def spend_attempt(self, verification: Verification, *, right: bool, now: datetime, last: bool = False) -> None:
        """Count one guess and, if it was right, consume the verification.

        `now` is when the verification was read. Raise StaleRow if it or its recipient has changed since.
        """
        connection = connections[self.db]
        verified_at = connection.ops.adapt_datetimefield_value(now if right else None)
        recipient = verification.recipient
        statement = _SPEND_ATTEMPT.format(now=SQL_NOW[connection.vendor], ended=", seed = ''" if right or last else "")
        parameters = [verified_at, verification.pk, verification.attempts, recipient.pk, recipient.version]
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            if not cursor.rowcount:
                raise StaleRow
        verification.attempts += 1
        if right:
            verification.verified_at = now
        if right or last:
            verification.seed = ""

    def extend(self, verification: Verification, *, until: datetime) -> None:
        """Set a live verification's `expires_at` to `until`; raise StaleRow if it has ended meanwhile."""
        live = self.filter(pk=verification.pk, verified_at=None, expires_at__gt=DatabaseNow()).exclude(seed="")
        if not live.update(expires_at=until):
            raise StaleRow

    def end_expired(self) -> int:
        """Blank the seeds of expired verifications, so that a clock that steps back cannot revive a code."""
        expired = self.filter(verified_at=None, expires_at__lte=DatabaseNow())
        return expired.exclude(seed="").update(seed="")

    def expired_with_seed(self, *, since: timedelta) -> VerificationQuerySet:
        """Return verifications that have expired within `since` and still have a seed."""
        now = DatabaseNow()
        # A right guess blanks the seed, so `verified_at` excludes nothing: the index begins with it.
        return self.filter(verified_at=None, expires_at__gt=now - since, expires_at__lte=now).exclude(seed="")

    def redeem(self, verification: Verification, *, lifetime: timedelta, user: str = "") -> bool:
        """Mark the proof as used; return True for exactly one caller, within `lifetime` of the right code."""
        fresh = self.filter(pk=verification.pk, proof_redeemed_at=None, verified_at__gt=DatabaseNow() - lifetime)
        return bool(fresh.update(proof_redeemed_at=DatabaseNow(), redeemed_by=user))

    def assign(self, verification_id: str, *, user: str) -> bool:
        """Set the user of a redeemed proof that has none yet; return True for exactly one caller."""
        redeemed = self.filter(pk=verification_id, proof_redeemed_at__isnull=False, redeemed_by="")
        return bool(redeemed.update(redeemed_by=user))

    def verified_within(self, phone: str, *, days: int = 90) -> VerificationQuerySet:
        """Return the successful verifications of a canonical `phone` in the last `days` days.

        90 days by default, because mainland carriers assign a number again after that. If proofs are redeemed with
        their users, verifications of users that have lost the number to another user are left out.
        """
        recipients = Recipient.objects.using(self.db).of(phone)
        facts = self.filter(recipient__in=recipients, verified_at__gt=DatabaseNow() - timedelta(days=days))
        return facts.filter(Q(redeemed_by="") | Q(redeemed_by=models.F("recipient__holder")))


class Verification(models.Model):
    """One attempt to prove that a person holds a phone. Its code is derived from `seed` and never stored."""

    #: 128 random bits as 32 hexadecimal digits. Not a UUIDField: MariaDB refuses bits that are no version of a UUID.
    id = models.CharField(primary_key=True, max_length=32, editable=False)
    recipient = models.ForeignKey(
        Recipient,
        on_delete=models.CASCADE,
        related_name="verifications",
        db_index=False,  # the index ihuyi_verif_fact begins with this column
        verbose_name=_("recipient"),
    )
    purpose = models.CharField(_("purpose"), max_length=32)
    #: 32 hexadecimal digits; blank once the verification has ended.
    seed = models.CharField(max_length=32, editable=False)
    key_id = models.CharField(max_length=8, editable=False)
    code_length = models.PositiveSmallIntegerField(_("digits"))
    #: Whether the purpose's policy returned False: no code is sent, no guess is right, and no answer shows it.
    decoy = models.BooleanField(_("decoy"), default=False, db_default=False, editable=False)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    created_at = models.DateTimeField(_("created at"))
    expires_at = models.DateTimeField(_("expires at"))
    verified_at = models.DateTimeField(_("verified at"), null=True)
    proof_redeemed_at = models.DateTimeField(_("proof redeemed at"), null=True)
    #: The host's user that redeemed the proof: the primary key as text, if `redeem` was given one.
    redeemed_by = models.CharField(_("redeemed by"), max_length=255, default="", db_default="", editable=False)

    objects = VerificationQuerySet.as_manager()

    class Meta:
        verbose_name = _("verification")
        verbose_name_plural = _("verifications")
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["created_at"], name="ihuyi_verif_created"),
            models.Index(fields=["recipient", "verified_at"], name="ihuyi_verif_fact"),
            models.Index(fields=["verified_at", "expires_at"], name="ihuyi_verif_due"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(expires_at__gt=models.F("created_at")), name="ihuyi_verif_lives"),
            models.CheckConstraint(
                condition=Q(proof_redeemed_at=None) | Q(verified_at__isnull=False), name="ihuyi_verif_redeemed"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.recipient}"

    @classmethod
    def issue(
        cls,
        recipient: Recipient,
        *,
        purpose: str,
        code_length: int,
        now: datetime,
        lifetime: timedelta,
        decoy: bool = False,
    ) -> Verification:
        """Return a new, unsaved verification with a random id and a random seed."""
        return cls(
            id=secrets.token_hex(16),
            recipient=recipient,
            purpose=purpose,
            seed=codes.new_seed(),
            key_id=codes.current_key_id(),
            code_length=code_length,
            decoy=decoy,
            created_at=now,
            expires_at=now + lifetime,
        )

    @property
    def phone(self) -> str:
        """The canonical number; empty after it was erased, long after the verification has ended."""
        return self.recipient.phone or ""

    @property
    def code(self) -> str:
        """The code, or that of a test number; empty once the verification has ended or its key is retired."""
        derived = codes.derive(
            seed=self.seed,
            key_id=self.key_id,
            verification_id=self.pk,
            phone=self.phone,
            purpose=self.purpose,
            length=self.code_length,
        )
        fixed = fixed_codes.find(self.phone)
        return fixed.code if derived and fixed else derived

    def matches(self, guess: str) -> bool:
        """Return True if a guess is the code. A decoy compares as well, so that it takes the same time."""
        return codes.matches(self.code, guess) and not self.decoy

    def is_live(self, now: datetime, *, max_attempts: int) -> bool:
        """Return True if a right guess would be accepted at `now`."""
        return bool(self.seed) and self.attempts < max_attempts and now < self.expires_at
