"""Spent captchas: each allows one try, and the database decides which of several simultaneous tries it is."""

from __future__ import annotations

from datetime import timedelta

from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext_lazy as _

from django_ihuyi.database.clock import DatabaseNow

#: How long a spent captcha is stored: far longer than it can be answered, even if the clocks of hosts differ.
REMEMBERED = timedelta(days=1)


class SpentCaptchaQuerySet(models.QuerySet["SpentCaptcha"]):
    """Changes of spent captchas, each by one conditional statement."""

    def spend(self, key: str) -> bool:
        """Spend the one try of `key`. Return True for exactly one of any number of callers."""
        try:
            # A savepoint: on PostgreSQL a conflict would otherwise end the caller's transaction.
            with transaction.atomic(using=self.db):
                self.create(key=key, expires_at=DatabaseNow() + REMEMBERED)
        except IntegrityError:
            return False
        return True

    def purge_expired(self, *, limit: int = 5000) -> int:
        """Delete up to `limit` expired rows, and return their number."""
        expired = self.filter(expires_at__lte=DatabaseNow()).order_by("expires_at")
        # The keys are read first, because MariaDB allows no LIMIT in the subquery of a DELETE.
        return self.filter(pk__in=list(expired.values_list("pk", flat=True)[:limit])).delete()[0]


class SpentCaptcha(models.Model):
    """A captcha that was answered, rightly or wrongly. It has no data about the requester."""

    #: SHA-256 of the kind and the name of the challenge or solution, 64 hexadecimal digits.
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
