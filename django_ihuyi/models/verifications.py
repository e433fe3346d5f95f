"""Verifications: somebody's attempt to prove that they hold a phone, for one purpose."""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timedelta

from django.db import connections, models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from django_ihuyi import codes
from django_ihuyi.database.clock import DatabaseNow, sql_now
from django_ihuyi.database.transactions import StaleRow
from django_ihuyi.models.recipients import Recipient
from django_ihuyi.phones import fixed_codes

#: In SQL, because to build it takes the ORM longer than a guess needs otherwise (docs/explanation/performance).
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
    """Rules about verifications that one conditional statement judges."""

    def spend_attempt(self, verification: Verification, *, right: bool, now: datetime, last: bool = False) -> None:
        """Count one guess and, if it was right, consume the verification, in one conditional statement.

        `now` is when the verification was read; raises StaleRow unless it and its recipient still are as they were.
        """
        connection = connections[self.db]
        verified_at = connection.ops.adapt_datetimefield_value(now if right else None)
        recipient = verification.recipient
        statement = _SPEND_ATTEMPT.format(now=sql_now(connection.vendor), ended=", seed = ''" if right or last else "")
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
        """Let a live verification live until `until`; raises StaleRow if it has ended meanwhile."""
        live = self.filter(pk=verification.pk, verified_at=None, expires_at__gt=DatabaseNow()).exclude(seed="")
        if not live.update(expires_at=until):
            raise StaleRow

    def end_expired(self) -> int:
        """Blank the seed of those whose time is over, so that a clock that steps back revives none."""
        expired = self.filter(verified_at=None, expires_at__lte=DatabaseNow())
        return expired.exclude(seed="").update(seed="")

    def expired_with_seed(self, *, since: timedelta) -> VerificationQuerySet:
        """Return those that have expired within `since` and whose seed is still there."""
        now = DatabaseNow()
        # Whoever was verified has no seed left; said for the index, as above.
        return self.filter(verified_at=None, expires_at__gt=now - since, expires_at__lte=now).exclude(seed="")

    def redeem(self, verification: Verification, *, lifetime: timedelta, user: str = "") -> bool:
        """Mark the proof as used; True for exactly one caller, within `lifetime` of the right code."""
        fresh = self.filter(pk=verification.pk, proof_redeemed_at=None, verified_at__gt=DatabaseNow() - lifetime)
        return bool(fresh.update(proof_redeemed_at=DatabaseNow(), redeemed_by=user))

    def assign(self, verification_id: str, *, user: str) -> bool:
        """Note for whom a proof was redeemed, if that was not said yet; True for exactly one caller."""
        redeemed = self.filter(pk=verification_id, proof_redeemed_at__isnull=False, redeemed_by="")
        return bool(redeemed.update(redeemed_by=user))

    def verified_within(self, phone: str, *, days: int = 90) -> VerificationQuerySet:
        """Return the verifications of a canonical `phone` of the last `days` days: a dated fact, not a flag.

        90 days, because mainland carriers give a number to somebody else after that. Those of a user whose number
        another one has verified since are left out, where proofs are redeemed with their users.
        """
        recipients = Recipient.objects.using(self.db).of(phone)
        facts = self.filter(recipient__in=recipients, verified_at__gt=DatabaseNow() - timedelta(days=days))
        return facts.filter(Q(redeemed_by="") | Q(redeemed_by=models.F("recipient__holder")))


class Verification(models.Model):
    """One attempt to prove that a phone is held, for one purpose. Its code is derived from `seed`, never stored."""

    #: 128 random bits as 32 hexadecimal digits. No UUIDField: MariaDB refuses ids that are not of a UUID version.
    id = models.CharField(primary_key=True, max_length=32, editable=False)
    recipient = models.ForeignKey(
        Recipient,
        on_delete=models.CASCADE,
        related_name="verifications",
        db_index=False,  # ihuyi_verif_fact begins with it
        verbose_name=_("recipient"),
    )
    purpose = models.CharField(_("purpose"), max_length=32)
    #: 32 hexadecimal digits; blank from the moment the verification has ended.
    seed = models.CharField(max_length=32, editable=False)
    key_id = models.CharField(max_length=8, editable=False)
    code_length = models.PositiveSmallIntegerField(_("digits"))
    #: Whether the purpose's policy said no: no code is sent, and none is right. No answer tells.
    decoy = models.BooleanField(_("decoy"), default=False, db_default=False, editable=False)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    created_at = models.DateTimeField(_("created at"))
    expires_at = models.DateTimeField(_("expires at"))
    verified_at = models.DateTimeField(_("verified at"), null=True)
    proof_redeemed_at = models.DateTimeField(_("proof redeemed at"), null=True)
    #: The user of the host's who redeemed the proof (the primary key as text), if any was told.
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
        """Return a new verification, not written yet, with an id and a code that nobody can guess."""
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
        """The canonical number; empty once its time is over, long after the verification has ended."""
        return self.recipient.phone or ""

    @property
    def code(self) -> str:
        """The digits, derived anew, or those of a test number; empty once it has ended or its key was retired."""
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
        """Say whether a guess is the code; for a decoy it never is, after just as long."""
        return codes.matches(self.code, guess) and not self.decoy

    def is_live(self, now: datetime, *, max_attempts: int) -> bool:
        """Say whether a right code would be accepted at `now`."""
        return bool(self.seed) and self.attempts < max_attempts and now < self.expires_at
