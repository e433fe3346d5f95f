"""Recipients: the phones that messages go to, with all that the limits must remember of each."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from django_ihuyi import phones
from django_ihuyi.database.clock import DatabaseNow
from django_ihuyi.database.transactions import StaleRow, stale_if_refused


class RecipientQuerySet(models.QuerySet["Recipient"]):
    """Rules about recipients, each decided by one conditional statement."""

    def of(self, phone: str) -> RecipientQuerySet:
        """Return the rows of a canonical number, by its fingerprint also after the number was erased."""
        return self.filter(Q(phone=phone) | Q(fingerprint__in=phones.fingerprints(phone)))

    def claim(self, recipient: Recipient) -> None:
        """Claim the right to write the next message; of all callers that read the same version exactly one succeeds.

        Raise StaleRow for the others. Call it in one transaction with the message's insert.
        """
        # The UPDATE also writes number and fingerprint, which are unique, and another row may just have taken them.
        with stale_if_refused():
            self._advance(recipient, **recipient.identity)

    def record_guesses(self, recipient: Recipient, guesses: dict[str, Any], *, marks: dict[str, Any]) -> None:
        """Replace the guess budgets; raise StaleRow if anything about the recipient has changed since it was read."""
        self._advance(recipient, guesses=guesses, marks=marks)

    def drop_empty(self) -> None:
        """Delete recipients without related rows, suppression or opt-out.

        Lock their rows first: otherwise a claim could give one of them a message in between.
        """
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
    """A phone. Its row decides how many messages may still go to it, and how many guesses are judged.

    RETENTION says how long the number is kept. Its fingerprint and mask are kept longer: by the one it is found, as the
    other it is shown.
    """

    #: The canonical number; None after it was erased, until the next message.
    phone = models.CharField(_("phone"), max_length=16, unique=True, null=True, blank=True)
    #: A keyed digest of the number (phones.fingerprint); None in rows that an older version wrote.
    fingerprint = models.CharField(
        max_length=phones.FINGERPRINT_LENGTH, unique=True, null=True, blank=True, editable=False
    )
    mask = models.CharField(_("masked phone"), max_length=16, default="", db_default="", editable=False)
    #: Grows with every change that a claim depends on, so that a claim succeeds only on the state that was read.
    version = models.PositiveBigIntegerField(default=0, editable=False)
    #: Guess budgets by purpose, of clients without a device mark: see limits/guesses.py.
    guesses = models.JSONField(_("guesses"), default=dict, editable=False)
    #: Device marks (verification/marks.py) issued before do not count; None in rows of an older version.
    marks_from = models.DateTimeField(_("device marks from"), null=True, editable=False)
    #: `marked_guesses` and `mark_failures`, each if there are any.
    marks = models.JSONField(_("device marks"), default=dict, db_default={}, editable=False)
    #: When the platform's pauses for this number end (client/results.py, PauseEnd).
    wait_until = models.DateTimeField(_("wait until"), null=True, editable=False)
    full_until = models.DateTimeField(_("full until"), null=True, editable=False)
    code_full_until = models.DateTimeField(_("full for codes until"), null=True, editable=False)
    suppressed_at = models.DateTimeField(_("suppressed at"), null=True, db_index=True, editable=False)
    suppressed_code = models.IntegerField(_("suppressed by result code"), null=True, editable=False)

    #: When this phone opted out of advertisements.
    opted_out_at = models.DateTimeField(_("opted out at"), null=True, editable=False)

    #: The host's user that redeemed the last proof of this phone: the primary key as text, if `redeem` was given one.
    holder = models.CharField(_("holder"), max_length=255, default="", db_default="", editable=False)
    #: When `ihuyi_forget` erased it. Its messages and guesses, which the limits count, are deleted a day later.
    forgotten_at = models.DateTimeField(_("forgotten at"), null=True, db_index=True, editable=False)

    #: True if the number was erased or has an older key's fingerprint. The next claim writes both again.
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
        """The number, and the fingerprint and mask that remain after it is erased."""
        return {"phone": self.phone, "fingerprint": self.fingerprint, "mask": self.mask}

    @property
    def marked_guesses(self) -> dict[str, Any]:
        """The guess budgets by purpose, of clients with a device mark."""
        return self.marks.get("guesses", {})  # type: ignore[no-any-return]  # JSON

    @property
    def mark_failures(self) -> dict[str, Any]:
        """The wrong guesses with each device mark: {its id: {"count": …, "until": Unix time of the mark's end}}."""
        return self.marks.get("failures", {})  # type: ignore[no-any-return]  # JSON

    def identify(self, phone: str, *, keeps_fingerprint: bool = False) -> Recipient:
        """Set the canonical number, by default with the fingerprint of today's key. The next claim writes them."""
        before = self.identity
        self.phone, self.mask = phone, phones.mask(phone)
        if not keeps_fingerprint:
            self.fingerprint = phones.fingerprint(phone)
        self.is_renamed = self.identity != before
        return self

    def learn_to_wait(self, field: str, pause: timedelta, *, using: str | None = None) -> None:
        """Record a limit of the platform: set the time in `field` to `pause` from now."""
        self._change(using, **{field: DatabaseNow() + pause})

    def suppress(self, result_code: int, *, using: str | None = None) -> None:
        """Send nothing more to this phone until an operator lifts the suppression."""
        self._change(using, suppressed_at=DatabaseNow(), suppressed_code=result_code)

    def lift_suppression(self, *, using: str | None = None) -> None:
        """Allow messages to this phone again, and clear its guess budgets, which may have locked it."""
        with transaction.atomic(using=using):
            self._change(using, suppressed_at=None, suppressed_code=None, guesses={}, marks={})
            # The row may have been kept for its suppression alone, and the purge does not look for such rows.
            Recipient.objects.using(using).filter(pk=self.pk).drop_empty()

    def opt_out(self, *, using: str | None = None) -> None:
        """Send no more advertisements to this phone."""
        self._change(using, opted_out_at=DatabaseNow())

    def hand_over(self, user: str, *, verified_at: datetime, using: str | None = None) -> str:
        """Record a user of the host as the phone's holder, and return the previous holder, or an empty text.

        After another holder, device marks count only if they were issued at `verified_at`, when the user verified the
        phone, or later.

        Call it in a transaction that has written before: SQLite has no SELECT FOR UPDATE, but only one transaction
        writes at a time.
        """
        recipients = Recipient.objects.using(using).filter(pk=self.pk)
        previous, marks_from = recipients.select_for_update().values_list("holder", "marks_from").get()
        if previous not in ("", user):
            self._change(using, holder=user, marks_from=max(marks_from or verified_at, verified_at))
        elif previous != user:
            recipients.update(holder=user)
        return str(previous)

    def _change(self, using: str | None, **changes: datetime | DatabaseNow | Any) -> None:
        Recipient.objects.using(using).filter(pk=self.pk).update(version=F("version") + 1, **changes)


def choose_row(rows: Iterable[Recipient], *, phone: str) -> tuple[Recipient, list[Recipient]]:
    """Return the row for the phone's next message, and the other rows of the phone.

    Most phones have one row; a phone without one gets a new row. A phone has a second row if its number was erased, its
    key was retired, a message made a new row, and the key came back. The row with the number is chosen; if no row has
    it, the row with the newest key. The rule must not depend on the keys that a process knows, or two processes would
    claim different rows.
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
