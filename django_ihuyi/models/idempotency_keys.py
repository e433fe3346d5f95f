"""Idempotency keys: what was answered to a request with an Idempotency-Key, so that its repetition gets the same."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db import IntegrityError, models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from django_ihuyi.database.clock import DatabaseNow
from django_ihuyi.database.optimistic_retry import StaleRow

#: How long somebody may take to answer; whoever takes longer has died.
ANSWER_LEASE = timedelta(seconds=60)
#: How long an answer is kept.
KEPT = timedelta(hours=24)


class IdempotencyKeyQuerySet(models.QuerySet["IdempotencyKey"]):
    """Rules about idempotency keys that one conditional statement judges."""

    def find(self, names: Iterable[str]) -> IdempotencyKey | None:
        """Return the request of one of these names, which knows whether it is over by the database's clock."""
        over = Q(expires_at__lte=DatabaseNow())
        named = self.filter(name__in=list(names)).annotate(is_over=over)  # type: ignore[no-redef]  # the model says so
        return named.first()

    def open(self, name: str, *, fingerprint: str) -> IdempotencyKey:
        """Write down that a request is being answered; of all who try it for one name, the others get StaleRow."""
        stored = IdempotencyKey(name=name, fingerprint=fingerprint, expires_at=DatabaseNow() + ANSWER_LEASE)
        try:
            stored.save(force_insert=True, using=self.db)
        except IntegrityError as error:
            raise StaleRow from error
        return stored

    def take_over(self, stored: IdempotencyKey, *, fingerprint: str) -> None:
        """Begin anew with a name whose time is over; raises StaleRow if somebody else was faster."""
        over = self.filter(pk=stored.pk, version=stored.version, expires_at__lte=DatabaseNow())
        stored.version += 1
        if not over.update(
            fingerprint=fingerprint,
            version=stored.version,
            status=None,
            answer="",
            expires_at=DatabaseNow() + ANSWER_LEASE,
        ):
            raise StaleRow

    def finish(self, stored: IdempotencyKey, *, status: int, answer: str) -> bool:
        """Keep the answer; False if the lease ran out and somebody else has taken over."""
        mine = self._in_flight(stored)
        return bool(mine.update(status=status, answer=answer, expires_at=DatabaseNow() + KEPT))

    def release(self, stored: IdempotencyKey) -> None:
        """Forget a request that came to nothing, unless somebody else has taken over."""
        self._in_flight(stored).delete()

    def purge_expired(self, *, batch: int = 5_000) -> int:
        """Delete at most `batch` requests whose time is over, and return how many; fewer than `batch`: none is left."""
        expired = self.filter(expires_at__lte=DatabaseNow())
        found = list(expired.order_by("expires_at").values_list("pk", flat=True)[:batch])
        # Asked again, because a name may have been taken over meanwhile.
        return expired.filter(pk__in=found).delete()[0] if found else 0

    def _in_flight(self, stored: IdempotencyKey) -> IdempotencyKeyQuerySet:
        return self.filter(pk=stored.pk, version=stored.version, status=None)


class IdempotencyKey(models.Model):
    """One request with an Idempotency-Key. Its name and fingerprint are keyed digests: no number or code is in them."""

    #: Who asks, where, with which key.
    name = models.CharField(max_length=64, editable=False)
    #: What is asked for.
    fingerprint = models.CharField(max_length=64, editable=False)
    #: Grows when the name is taken over, so that whoever comes late no longer writes.
    version = models.PositiveBigIntegerField(default=0, editable=False)
    #: The answer's status, None while it is being made; and its body as JSON, without number and proof.
    status = models.PositiveSmallIntegerField(null=True, editable=False)
    answer = models.TextField(blank=True, editable=False)
    #: The end of the lease, or of the time that the answer is kept: then the name is free again.
    expires_at = models.DateTimeField(_("expires at"), editable=False)

    #: Said by `find`.
    is_over: bool

    objects = IdempotencyKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("idempotency key")
        verbose_name_plural = _("idempotency keys")
        ordering = ["-id"]
        indexes = [models.Index(fields=["expires_at"], name="ihuyi_idempotency_expires")]
        constraints = [models.UniqueConstraint(fields=["name"], name="ihuyi_idempotency_name")]

    def __str__(self) -> str:
        return f"{self.name[:8]} {self.status or '…'}"
