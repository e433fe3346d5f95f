"""Idempotency keys: stored answers to requests with an Idempotency-Key, for their repetitions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from django_ihuyi.database.clock import DatabaseNow
from django_ihuyi.database.transactions import StaleRow, stale_if_refused

#: How long a request may take; after that its process is assumed to have died.
ANSWER_LEASE = timedelta(seconds=60)
#: How long an answer is stored.
KEPT = timedelta(hours=24)


class IdempotencyKeyQuerySet(models.QuerySet["IdempotencyKey"]):
    """Rules about idempotency keys, each decided by one conditional statement."""

    def find(self, names: Iterable[str]) -> IdempotencyKey | None:
        """Return the row of one of these names, with `is_over` by the database's clock."""
        over = Q(expires_at__lte=DatabaseNow())
        named = self.filter(name__in=list(names)).annotate(is_over=over)  # type: ignore[no-redef]  # the model says so
        return named.first()

    def open(self, name: str, *, fingerprint: str) -> IdempotencyKey:
        """Insert the row of a request that is being answered; raise StaleRow if the name exists."""
        stored = IdempotencyKey(name=name, fingerprint=fingerprint, expires_at=DatabaseNow() + ANSWER_LEASE)
        with stale_if_refused():
            stored.save(force_insert=True, using=self.db)
        return stored

    def take_over(self, stored: IdempotencyKey, *, fingerprint: str) -> None:
        """Reuse a row whose time is over for a new request; raise StaleRow if another request was faster."""
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
        """Store the answer; return False if the lease ran out and another request has taken the row over."""
        mine = self._in_flight(stored)
        return bool(mine.update(status=status, answer=answer, expires_at=DatabaseNow() + KEPT))

    def release(self, stored: IdempotencyKey) -> None:
        """Delete the row of a request without effect, unless another request has taken it over."""
        self._in_flight(stored).delete()

    def purge_expired(self, *, batch: int = 5_000) -> int:
        """Delete at most `batch` expired rows and return how many; fewer than `batch` means that none is left."""
        expired = self.filter(expires_at__lte=DatabaseNow())
        found = list(expired.order_by("expires_at").values_list("pk", flat=True)[:batch])
        # By primary key, because MariaDB takes no LIMIT in the subquery of a DELETE. Filtered again by `expired`,
        # because a row may have been taken over meanwhile.
        return expired.filter(pk__in=found).delete()[0] if found else 0

    def _in_flight(self, stored: IdempotencyKey) -> IdempotencyKeyQuerySet:
        return self.filter(pk=stored.pk, version=stored.version, status=None)


class IdempotencyKey(models.Model):
    """One request with an Idempotency-Key. Its name and fingerprint are keyed digests: no number or code is in them."""

    #: Digest of caller, path and Idempotency-Key.
    name = models.CharField(max_length=64, editable=False)
    #: Digest of the request's body.
    fingerprint = models.CharField(max_length=64, editable=False)
    #: Grows when the row is taken over, so that the earlier request can no longer write.
    version = models.PositiveBigIntegerField(default=0, editable=False)
    #: The answer's HTTP status, None while the request is being answered; and its JSON body without number and proof.
    status = models.PositiveSmallIntegerField(null=True, editable=False)
    answer = models.TextField(blank=True, editable=False)
    #: The end of the lease, or of the time that the answer is stored; after that the row may be taken over.
    expires_at = models.DateTimeField(_("expires at"), editable=False)

    #: Annotated by `find`.
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
