"""Messages: the send log, which is also what the limits count."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import connections, models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from django_ihuyi.database.clock import DatabaseNow, sql_now
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


#: A message that is still being sent after so long was left by a worker that died.
LEASE = timedelta(seconds=60)
#: How long a message is worth sending. A code that comes late meets a page that has given up, and a second code. A
#: notice ends within an hour, however long its call takes: limits look at what was written in the last 25 hours.
FRESHNESS: Mapping[str, timedelta] = {Kind.CODE: timedelta(seconds=30), Kind.NOTICE: timedelta(hours=1) - LEASE}
#: After so long somebody has to make room for a code: a worker with nothing to do would have found it.
UNTAKEN = timedelta(seconds=0.3)

#: What a call to the platform leaves on its message, beside the time of its end.
OUTCOME = ["state", "counted", "result_code", "result_text", "fault", "platform_id", "duration"]

#: In SQL, because to build it takes the ORM longer than to run it (docs/explanation/performance).
_SETTLE = f"""
UPDATE ihuyi_message SET finished_at = {{now}}, {", ".join(f"{name} = %s" for name in OUTCOME)}
WHERE id = %s AND state = %s
"""  # noqa: S608 - made of names that stand above


class MessageQuerySet(models.QuerySet["Message"]):
    """Rules about messages that one conditional statement judges."""

    def settle(self, message: Message, *, was: State = State.SENDING) -> bool:
        """Write what became of a message; False unless its state still is `was`."""
        connection = connections[self.db]
        with connection.cursor() as cursor:
            cursor.execute(
                _SETTLE.format(now=sql_now(connection.vendor)),
                [*(getattr(message, name) for name in OUTCOME), message.pk, was.value],
            )
            return bool(cursor.rowcount)

    def take(self, message: Message) -> bool:
        """Take a message out of the queue, for exactly one of all who try, and only while it is worth sending."""
        fresh = self.filter(pk=message.pk, state=State.QUEUED, created_at__gt=DatabaseNow() - FRESHNESS[message.kind])
        return bool(fresh.update(state=State.SENDING, taken_at=DatabaseNow()))

    def withdraw(self, message: Message, *, fault: str, text: str) -> bool:
        """Take a message out of the queue unsent, and give its claim back; False if somebody was faster."""
        return bool(
            self.filter(pk=message.pk, state=State.QUEUED).update(
                state=State.UNSENT, counted=False, fault=fault, result_text=text, finished_at=DatabaseNow()
            )
        )

    def left_behind(self) -> MessageQuerySet:
        """Return what nobody will carry on: queued for too long, or being sent by a worker that must have died."""
        now = DatabaseNow()
        overdue = Q()
        for kind, freshness in FRESHNESS.items():
            overdue |= Q(state=State.QUEUED, kind=kind, created_at__lte=now - freshness)
        abandoned = Q(state=State.SENDING, created_at__lte=now - LEASE)
        abandoned &= Q(taken_at=None) | Q(taken_at__lte=now - LEASE)
        # Said once more for the index: no database looks for a common part in an OR.
        youngest = now - min(LEASE, *FRESHNESS.values())
        return self.filter(overdue | abandoned, state__in=[State.QUEUED, State.SENDING], created_at__lte=youngest)

    def give_up(self, message: Message, *, fault: str, text: str) -> bool:
        """Say of a message whose lease has run out that nobody knows; False if somebody was faster."""
        return bool(
            self.filter(pk=message.pk, state=State.SENDING).update(
                # Whenever it is found: a limit counts from when the message can have arrived last.
                state=State.UNKNOWN,
                fault=fault,
                result_text=text,
                finished_at=message.started_at + LEASE,
            )
        )

    def codes_wait(self) -> bool:
        """Say whether a code is in the queue that a worker with nothing else to do would have taken by now."""
        now = DatabaseNow()
        waiting = self.filter(state=State.QUEUED, kind=Kind.CODE, created_at__gt=now - FRESHNESS[Kind.CODE])
        return waiting.filter(created_at__lte=now - UNTAKEN).exists()

    def age_of_latest(self, rank: int) -> timedelta | None:
        """Return how long ago the `rank`-th latest message was created, None if there are not so many."""
        latest = self.order_by("-created_at").annotate(now=DatabaseNow()).values_list("now", "created_at")
        for now, created_at in latest[rank - 1 : rank]:
            return now - created_at
        return None

    def asked_for_in_vain(self, client: str, *, since: datetime) -> MessageQuerySet:
        """Return the codes that `client` asked for since then and that nobody has typed in, the newest first."""
        codes = self.filter(client=client, created_at__gt=since, kind=Kind.CODE, counted=True)
        return codes.filter(verification__verified_at=None).order_by("-created_at")

    def verified_of_last(self, most: int, *, since: datetime, until: datetime) -> list[bool]:
        """Say of up to `most` of the last codes that left, or of decoys, if each was verified; between these times."""
        codes = Verification.objects.using(self.db).filter(created_at__gt=since, created_at__lte=until)
        left = Exists(self.filter(verification=OuterRef("pk"), counted=True))
        # Twice as many, because some never left; no more, so that an hour without the platform is not gone through.
        last = codes.order_by("-created_at").values_list("verified_at", left)[: 2 * most]
        return [verified_at is not None for verified_at, has_left in last if has_left][:most]


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
    #: Whether the time of text, variables and client is over; they are empty then.
    erased = models.BooleanField(default=False, db_default=False, editable=False)
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
    #: When a worker took it out of the queue; None for what was never queued.
    taken_at = models.DateTimeField(_("taken at"), null=True, editable=False)
    finished_at = models.DateTimeField(_("finished at"), null=True)
    duration = models.FloatField(_("duration in seconds"), null=True)
    #: What the platform's receipt said: its code and words, by its own clock, and when it came, by the database's.
    receipt_code = models.CharField(_("receipt code"), max_length=32, blank=True, default="", db_default="")
    receipt_text = models.CharField(_("receipt text"), max_length=200, blank=True, default="", db_default="")
    reported_at = models.DateTimeField(_("reported at"), null=True)
    received_at = models.DateTimeField(_("receipt received at"), null=True)

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
            models.Index(fields=["state", "created_at"], name="ihuyi_msg_left"),
            models.Index(fields=["erased", "created_at"], name="ihuyi_msg_due"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="ihuyi_msg_state"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.recipient} {self.state}"

    @property
    def phone(self) -> str:
        """The canonical number; empty once its time is over."""
        return self.recipient.phone or ""

    @property
    def started_at(self) -> datetime:
        """When its call began, or at the latest began."""
        return self.taken_at or self.created_at

    def is_overdue(self, now: datetime) -> bool:
        """Say whether it waits in the queue for so long that nobody will send it any more."""
        return self.state == State.QUEUED and self.created_at + FRESHNESS[self.kind] <= now
