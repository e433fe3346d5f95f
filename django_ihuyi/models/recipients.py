"""Recipients: a phone that messages go to, with all that the limits must remember of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, models
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from django_ihuyi import phones
from django_ihuyi.models.clock import DatabaseNow


class LostRace(Exception):
    """Somebody else changed the row first: read again, decide again."""


class RecipientQuerySet(models.QuerySet["Recipient"]):
    """Rules about recipients that one conditional statement judges."""

    def claim(self, recipient: Recipient) -> None:
        """Take the right to write the next message, for exactly one of all who read `recipient` as it is.

        Raises LostRace for the others. Call it in one transaction with the message's insert.
        """
        if not recipient._state.adding:
            self._advance(recipient)
            return
        try:
            recipient.save(force_insert=True, using=self.db)
        except IntegrityError as error:
            raise LostRace from error

    def record_guesses(self, recipient: Recipient, guesses: dict[str, Any]) -> None:
        """Replace the guess budgets; raises LostRace if anything about the recipient changed since it was read."""
        self._advance(recipient, guesses=guesses)

    def _advance(self, recipient: Recipient, **changes: Any) -> None:
        current = self.filter(pk=recipient.pk, version=recipient.version)
        if not current.update(version=recipient.version + 1, **changes):
            raise LostRace


class Recipient(models.Model):
    """A phone; the database's judge of how many messages and guesses it may still see."""

    phone = models.CharField(_("phone"), max_length=16, unique=True)
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

    objects = RecipientQuerySet.as_manager()

    class Meta:
        verbose_name = _("recipient")
        verbose_name_plural = _("recipients")
        ordering = ["-id"]
        permissions = [("lift_suppression", _("Can lift a recipient's suppression"))]

    def __str__(self) -> str:
        return phones.mask(self.phone)

    def learn_to_wait(self, field: str, pause: timedelta, *, using: str | None = None) -> None:
        """Take over a limit of the platform: `field` names the time that lies `pause` ahead."""
        self._change(using, **{field: DatabaseNow() + pause})

    def suppress(self, result_code: int, *, using: str | None = None) -> None:
        """Send nothing more to this phone until an operator lifts it."""
        self._change(using, suppressed_at=DatabaseNow(), suppressed_code=result_code)

    def lift_suppression(self, *, using: str | None = None) -> None:
        """Let messages go to this phone again, and forget the guesses that locked it."""
        self._change(using, suppressed_at=None, suppressed_code=None, guesses={})

    def opt_out(self, *, using: str | None = None) -> None:
        """Send no more advertisements to this phone."""
        self._change(using, opted_out_at=DatabaseNow())

    def _change(self, using: str | None, **changes: datetime | DatabaseNow | Any) -> None:
        Recipient.objects.using(using).filter(pk=self.pk).update(version=F("version") + 1, **changes)
