"""Replies: texts that phones send back."""

from __future__ import annotations

from datetime import datetime

from django.db import models, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from django_ihuyi.models.recipients import Recipient

#: Replies that opt out of advertisements, in capital letters.
OPT_OUT = {"T", "TD", "退订"}

#: Longest reply that is stored, in characters; the rest is cut off.
MAX_LENGTH = 2000


class ReplyQuerySet(models.QuerySet["Reply"]):
    """Rules about many replies."""

    def record(self, phone: str, content: str, *, platform_id: str, replied_at: datetime | None) -> Reply | None:
        """Store and return a reply of a canonical phone, and opt the phone out if the text asks for it.

        Return None for a repetition, and for a phone that no message was ever sent to. Without `replied_at` the time is
        now, and the same text in reply to the same message is a repetition.
        """
        recipient = Recipient.objects.using(self.db).of(phone).first()
        if recipient is None:
            return None
        kept = content.replace("\x00", "")[:MAX_LENGTH]  # PostgreSQL stores no NUL
        with transaction.atomic(using=self.db):
            reply, is_new = self.get_or_create(
                recipient=recipient,
                digest=_digest(platform_id, replied_at.isoformat() if replied_at else "", kept),
                defaults={"platform_id": platform_id, "replied_at": replied_at or timezone.now(), "content": kept},
            )
            if is_new and reply.is_opt_out:
                recipient.opt_out(using=self.db)
        return reply if is_new else None


class Reply(models.Model):
    """A text that a phone sent back."""

    recipient = models.ForeignKey(
        Recipient,
        on_delete=models.CASCADE,
        related_name="replies",
        db_index=False,  # the index ihuyi_reply_recipient begins with this column
        verbose_name=_("recipient"),
    )
    content = models.TextField(_("content"))
    #: The platform's id of the message that was replied to, if it is known.
    platform_id = models.CharField(_("platform id"), max_length=64, blank=True)
    replied_at = models.DateTimeField(_("replied at"))
    received_at = models.DateTimeField(_("received at"), auto_now_add=True)
    #: Recognizes a repetition: a unique constraint cannot hold a whole text. None in rows of older versions.
    digest = models.CharField(max_length=64, null=True, editable=False)  # noqa: DJ001 - NULLs may repeat, blanks may not

    objects = ReplyQuerySet.as_manager()

    class Meta:
        verbose_name = _("reply")
        verbose_name_plural = _("replies")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["recipient", "replied_at"], name="ihuyi_reply_recipient"),
            models.Index(fields=["received_at"], name="ihuyi_reply_due"),
        ]
        constraints = [models.UniqueConstraint(fields=["recipient", "digest"], name="ihuyi_reply_once")]

    def __str__(self) -> str:
        return f"{self.recipient} {self.replied_at:%Y-%m-%d %H:%M}"

    @property
    def phone(self) -> str:
        """The canonical number; empty after it was erased."""
        return self.recipient.phone or ""

    @property
    def is_opt_out(self) -> bool:
        """Return True if the reply opts out of advertisements."""
        return self.content.strip().upper() in OPT_OUT


def _digest(*facts: str) -> str:
    # With a key: most replies are so short that a plain hash would reveal them after they were erased.
    return salted_hmac("django_ihuyi.replies", "\x00".join(facts), algorithm="sha256").hexdigest()
