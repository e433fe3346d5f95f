"""Recipients: a phone that messages go to, with all that the limits must remember of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, models, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from django_ihuyi import phones
from django_ihuyi.database.clock import DatabaseNow
from django_ihuyi.database.transactions import StaleRow


class RecipientQuerySet(models.QuerySet["Recipient"]):
    """Rules about recipients that one conditional statement judges."""

    def of(self, phone: str) -> RecipientQuerySet:
        """Return the row of a canonical number, also after the number was erased from it."""
        return self.filter(Q(phone=phone) | Q(fingerprint__in=phones.fingerprints(phone)))

    def claim(self, recipient: Recipient) -> None:
        """Take the right to write the next message, for exactly one of all who read `recipient` as it is.

        Raises StaleRow for the others. Call it in one transaction with the message's insert.
        """
        try:
            self._advance(recipient, **recipient.identity)
        except IntegrityError as error:  # another row has just come to stand for this phone
            raise StaleRow from error

    def record_guesses(self, recipient: Recipient, guesses: dict[str, Any]) -> None:
        """Replace the guess budgets; raises StaleRow if anything about the recipient changed since it was read."""
        self._advance(recipient, guesses=guesses)

    def drop_empty(self) -> None:
        """Delete those that nothing refers to and no refusal hangs on. Hold their rows: a claim would fill them."""
        empty = self.filter(suppressed_at=None, opted_out_at=None)
        for relation in Recipient._meta.related_objects:
            rows = relation.related_model._base_manager.filter(**{relation.field.name: OuterRef("pk")})
            empty = empty.filter(~Exists(rows))
        empty._raw_delete(self.db)

    def _advance(self, recipient: Recipient, **changes: Any) -> None:
        current = self.filter(pk=recipient.pk, version=recipient.version)
        if not current.update(version=recipient.version + 1, **changes):
            raise StaleRow


class Recipient(models.Model):
    """A phone; the database's judge of how many messages and guesses it may still see.

    The number itself is kept for as long as RETENTION says; what it is found by then, and shown as, is kept longer.
    """

    #: The canonical number; None once its time is over, until the next message.
    phone = models.CharField(_("phone"), max_length=16, unique=True, null=True, blank=True)
    #: Made with a key (phones.fingerprint); None in rows that an older version has written.
    fingerprint = models.CharField(
        max_length=phones.FINGERPRINT_LENGTH, unique=True, null=True, blank=True, editable=False
    )
    mask = models.CharField(_("masked phone"), max_length=16, default="", db_default="", editable=False)
    #: Grows with every claim, so that a claim holds only for the state it was decided on.
    version = models.PositiveBigIntegerField(default=0, editable=False)
    #: Guess budgets by purpose: see limits/guesses.py.
    guesses = models.JSONField(_("guesses"), default=dict, editable=False)
    wait_until = models.DateTimeField(_("wait until"), null=True, editable=False)
    full_until = models.DateTimeField(_("full until"), null=True, editable=False)
    code_full_until = models.DateTimeField(_("full for codes until"), null=True, editable=False)
    suppressed_at = models.DateTimeField(_("suppressed at"), null=True, db_index=True, editable=False)
    suppressed_code = models.IntegerField(_("suppressed by result code"), null=True, editable=False)

    #: Since when this phone wants no advertisements.
    opted_out_at = models.DateTimeField(_("opted out at"), null=True, editable=False)

    #: The user of the host's who redeemed a proof of this phone last (the primary key as text), if any was told.
    holder = models.CharField(_("holder"), max_length=255, default="", db_default="", editable=False)
    #: When `ihuyi_forget` erased it; what the limits still count goes a day later.
    forgotten_at = models.DateTimeField(_("forgotten at"), null=True, db_index=True, editable=False)

    #: Whether its number was erased, or stands under an older key: then the next claim writes it anew.
    is_renamed = False

    objects = RecipientQuerySet.as_manager()

    class Meta:
        verbose_name = _("recipient")
        verbose_name_plural = _("recipients")
        ordering = ["-id"]
        permissions = [("lift_suppression", _("Can lift a recipient's suppression"))]

    def __str__(self) -> str:
        return self.mask or phones.mask(self.phone or "")

    @property
    def identity(self) -> dict[str, str | None]:
        """The number, and what is left of it when it is erased."""
        return {"phone": self.phone, "fingerprint": self.fingerprint, "mask": self.mask}

    def identify(self, phone: str, *, keeps_fingerprint: bool = False) -> Recipient:
        """Stand for a canonical number, by default under the fingerprint of today's key. The next claim writes it."""
        before = self.identity
        self.phone, self.mask = phone, phones.mask(phone)
        if not keeps_fingerprint:
            self.fingerprint = phones.fingerprint(phone)
        self.is_renamed = self.identity != before
        return self

    def learn_to_wait(self, field: str, pause: timedelta, *, using: str | None = None) -> None:
        """Take over a limit of the platform: `field` names the time that lies `pause` ahead."""
        self._change(using, **{field: DatabaseNow() + pause})

    def suppress(self, result_code: int, *, using: str | None = None) -> None:
        """Send nothing more to this phone until an operator lifts it."""
        self._change(using, suppressed_at=DatabaseNow(), suppressed_code=result_code)

    def lift_suppression(self, *, using: str | None = None) -> None:
        """Let messages go to this phone again, and forget the guesses that locked it."""
        with transaction.atomic(using=using):
            self._change(using, suppressed_at=None, suppressed_code=None, guesses={})
            # Nothing else may be left of it, and the purge does not look for such rows.
            Recipient.objects.using(using).filter(pk=self.pk).drop_empty()

    def opt_out(self, *, using: str | None = None) -> None:
        """Send no more advertisements to this phone."""
        self._change(using, opted_out_at=DatabaseNow())

    def hand_over(self, user: str, *, using: str | None = None) -> str:
        """Note that a user of the host's holds this phone, and return who held it before, nobody as the empty text.

        Call it in one transaction with a statement that has written already: then SQLite, too, lets one in at a time.
        """
        recipients = Recipient.objects.using(using).filter(pk=self.pk)
        previous = recipients.select_for_update().values_list("holder", flat=True).first() or ""
        if previous != user:
            recipients.update(holder=user)
        return previous

    def _change(self, using: str | None, **changes: datetime | DatabaseNow | Any) -> None:
        Recipient.objects.using(using).filter(pk=self.pk).update(version=F("version") + 1, **changes)


def choose_row(rows: Iterable[Recipient], *, phone: str) -> tuple[Recipient, list[Recipient]]:
    """Return the row that the next message of a phone belongs to, and the other rows that answer to the phone.

    One row answers to most phones; a new one is made for a phone that has none. A second row comes to be when a number
    was erased, its key was retired, a message made a new row, and the key came back. The row with the number is chosen;
    if no row has it, the one under the newest key. The rule must not depend on the keys that a process knows, or two
    processes would claim different rows.
    """
    known = phones.fingerprints(phone)
    found = sorted(
        {row.pk: row for row in rows}.values(),
        key=lambda row: (row.phone != phone, known.index(row.fingerprint) if row.fingerprint in known else len(known)),
    )
    chosen, *others = found or [Recipient()]
    # Another row may hold the fingerprint of today's key, which is unique.
    chosen.identify(phone, keeps_fingerprint=bool(others))
    return chosen, others
