"""Spent captchas: each captcha is valid for one try. A unique row decides which request has it."""

from __future__ import annotations

from datetime import timedelta

from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext_lazy as _

from django_ihuyi.database.clock import DatabaseNow

#: How long a row is kept: far longer than any captcha can be answered, however much the clocks differ.
REMEMBERED = timedelta(days=1)


class SpentCaptchaQuerySet(models.QuerySet["SpentCaptcha"]):
    """Rules about spent captchas, each decided by one conditional statement."""

    def spend(self, key: str) -> bool:
        """Use the one try of a captcha; return True for exactly one of any number of callers."""
        try:
            # A savepoint: on PostgreSQL a refused insert would end a transaction of the caller.
            with transaction.atomic(using=self.db):
                self.create(key=key, expires_at=DatabaseNow() + REMEMBERED)
        except IntegrityError:
            return False
        return True


class SpentCaptcha(models.Model):
    """A captcha that was answered, rightly or wrongly. The row says nothing about the person who answered."""

    #: SHA-256 of the challenge's or the solution's id, 64 hexadecimal digits.
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
