"""Captchas that were answered: each is good for one try, and the database judges whose try that is."""

from __future__ import annotations

from datetime import timedelta

from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext_lazy as _

from django_ihuyi.database.clock import DatabaseNow

#: How long it is remembered that a captcha was answered: far longer than one can be answered, on the slowest clock.
REMEMBERED = timedelta(days=1)


class SpentCaptchaQuerySet(models.QuerySet["SpentCaptcha"]):
    """Rules about spent captchas that one conditional statement judges."""

    def spend(self, key: str) -> bool:
        """Take the one try that `key` names; True for exactly one of any number of callers."""
        try:
            # A savepoint, if the caller has a transaction open: a refused insert would end that on PostgreSQL.
            with transaction.atomic(using=self.db):
                self.create(key=key, expires_at=DatabaseNow() + REMEMBERED)
        except IntegrityError:
            return False
        return True

    def purge_expired(self, *, limit: int = 5000) -> int:
        """Delete up to `limit` rows that nobody can need any more; return how many there were."""
        expired = self.filter(expires_at__lte=DatabaseNow()).order_by("expires_at")
        # By their keys, read first: MariaDB takes no LIMIT in the subquery of a DELETE.
        return self.filter(pk__in=list(expired.values_list("pk", flat=True)[:limit])).delete()[0]


class SpentCaptcha(models.Model):
    """A captcha that was answered, rightly or not. It holds nothing of who answered it."""

    #: SHA-256 of what was spent, 64 hexadecimal digits.
    key = models.CharField(primary_key=True, max_length=64, editable=False)
    expires_at = models.DateTimeField(_("expires at"))

    objects = SpentCaptchaQuerySet.as_manager()

    class Meta:
        verbose_name = _("spent captcha")
        verbose_name_plural = _("spent captchas")
        ordering = ["-expires_at"]
        indexes = [models.Index(fields=["expires_at"], name="ihuyi_captcha_expires")]

    def __str__(self) -> str:
        return self.key[:8]
