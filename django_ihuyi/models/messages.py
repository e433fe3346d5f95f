"""Messages: the send log, which is also what the limits count."""

from __future__ import annotations

from datetime import timedelta

from django.db import connections, models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from django_ihuyi.models.clock import DatabaseNow, sql_now
from django_ihuyi.models.recipients import Recipient
from django_ihuyi.models.verifications import Verification


class State(models.TextChoices):
    """How far a message has come; states only move forward (docs/explanation/delivery)."""

    QUEUED = "queued", _("queued")
    SENDING = "sending", _("sending")
    SUBMITTED = "submitted", _("submitted")
    DELIVERED = "delivered", _("delivered")
    UNDELIVERED = "undelivered", _("undelivered")
    REFUSED = "refused", _("refused")
    UNSENT = "unsent", _("unsent")
    UNKNOWN = "unknown", _("unknown")


class Kind(models.TextChoices):
    """What the platform counts apart: codes (4085) from all messages (4082)."""

    CODE = "code", _("code")
    NOTICE = "notice", _("notice")


#: What a call to the platform leaves on its message, beside the time of its end.
OUTCOME = ["state", "counted", "result_code", "result_text", "fault", "platform_id", "duration"]

#: In SQL, because to build it takes the ORM longer than to run it (docs/explanation/performance).
_SETTLE = f"""
UPDATE ihuyi_message SET finished_at = {{now}}, {", ".join(f"{name} = %s" for name in OUTCOME)}
WHERE id = %s AND state = '{State.SENDING.value}'
"""  # noqa: S608 - made of names that stand above


class MessageQuerySet(models.QuerySet["Message"]):
    """Rules about messages that one conditional statement judges."""

    def settle(self, message: Message) -> bool:
        """Write what became of a message that was being sent; False if somebody else has settled it."""
        connection = connections[self.db]
        with connection.cursor() as cursor:
            cursor.execute(
                _SETTLE.format(now=sql_now(connection.vendor)),
                [*(getattr(message, name) for name in OUTCOME), message.pk],
            )
            return bool(cursor.rowcount)

    def age_of_latest(self, rank: int) -> timedelta | None:
        """Return how long ago the `rank`-th latest message was created, None if there are not so many."""
        latest = self.order_by("-created_at").annotate(now=DatabaseNow()).values_list("now", "created_at")
        for now, created_at in latest[rank - 1 : rank]:
            return now - created_at
        return None


class Message(models.Model):
    """One message handed, or to be handed, to the platform. While `counted`, it holds a claim on its phone's limits."""

    recipient = models.ForeignKey(
        Recipient,
        on_delete=models.CASCADE,
        related_name="messages",
        db_index=False,  # ihuyi_msg_recipient begins with it
        verbose_name=_("recipient"),
    )
    verification = models.ForeignKey(
        Verification, on_delete=models.SET_NULL, null=True, related_name="messages", verbose_name=_("verification")
    )
    channel = models.CharField(_("channel"), max_length=16)
    #: Empty for a notice.
    purpose = models.CharField(_("purpose"), max_length=32, blank=True)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    #: A name in TEMPLATES, and what fills it; a code is not kept, its verification has it.
    template = models.CharField(_("template"), max_length=32)
    variables = models.JSONField(_("variables"), default=list)
    #: The text as the phone shows it, the code masked.
    text = models.CharField(_("text"), max_length=1000)
    state = models.CharField(_("state"), max_length=12, choices=State)
    counted = models.BooleanField(_("counted"), default=True)
    result_code = models.IntegerField(_("result code"), null=True)
    result_text = models.CharField(_("result text"), max_length=200, blank=True)
    fault = models.CharField(_("fault"), max_length=32, blank=True)
    platform_id = models.CharField(_("platform id"), max_length=64, blank=True)
    parts = models.PositiveSmallIntegerField(_("parts"), default=1)
    #: Who asked for it: an IPv4 address or the /64 network of an IPv6 one.
    client = models.CharField(_("client"), max_length=43, blank=True)
    created_at = models.DateTimeField(_("created at"))
    finished_at = models.DateTimeField(_("finished at"), null=True)
    duration = models.FloatField(_("duration in seconds"), null=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["recipient", "created_at"], name="ihuyi_msg_recipient"),
            models.Index(fields=["created_at"], name="ihuyi_msg_created"),
            models.Index(fields=["client", "created_at"], name="ihuyi_msg_client"),
            models.Index(fields=["platform_id"], name="ihuyi_msg_platform"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="ihuyi_msg_state"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.recipient} {self.state}"

    @property
    def phone(self) -> str:
        """The canonical number."""
        return self.recipient.phone
