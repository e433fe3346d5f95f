"""Messages: the send log. The limits count its rows, so that no second counter can disagree with it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import connections, models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from django_ihuyi.database.clock import SQL_NOW, DatabaseNow
from django_ihuyi.models.recipients import Recipient
from django_ihuyi.models.verifications import Verification


class State(models.TextChoices):
    """The state of a message. States only move forward (docs/explanation/delivery)."""

    QUEUED = "queued", _("queued")
    SENDING = "sending", _("sending")
    SUBMITTED = "submitted", _("submitted")
    DELIVERED = "delivered", _("delivered")
    UNDELIVERED = "undelivered", _("undelivered")
    REFUSED = "refused", _("refused")
    UNSENT = "unsent", _("unsent")
    UNKNOWN = "unknown", _("unknown")


class Kind(models.TextChoices):
    """The platform limits codes (4085) and all messages (4082) separately."""

    CODE = "code", _("code")
    NOTICE = "notice", _("notice")


#: A message that is still being sent after this time belongs to a worker that has died.
LEASE = timedelta(seconds=60)
#: How long a message may wait to be sent. A late code finds a person who has left the page, or asked for a second code.
#: A notice ends within an hour, its call included: the limits read rows of the last 25 hours only.
FRESHNESS: Mapping[str, timedelta] = {Kind.CODE: timedelta(seconds=30), Kind.NOTICE: timedelta(hours=1) - LEASE}
#: A code that has waited for this long finds no idle worker: a worker with a chunk of notices must yield.
UNTAKEN = timedelta(seconds=0.3)

#: The fields that a call of the platform sets, besides `finished_at`.
OUTCOME = ["state", "counted", "result_code", "result_text", "fault", "platform_id", "duration"]

#: In SQL, because the ORM takes longer to build it than the database to run it (docs/explanation/performance).
_SETTLE = f"""
UPDATE ihuyi_message SET finished_at = {{now}}, {", ".join(f"{name} = %s" for name in OUTCOME)},
  sampled_at = CASE WHEN %s THEN sampled_at END
WHERE id = %s AND state = %s
"""  # noqa: S608 - made of the names above


class MessageQuerySet(models.QuerySet["Message"]):
    """Rules about messages, each decided by one conditional statement."""

    def settle(self, message: Message, *, was: State = State.SENDING) -> bool:
        """Write the outcome of a message; return False if its state is no longer `was`."""
        connection = connections[self.db]
        with connection.cursor() as cursor:
            cursor.execute(
                _SETTLE.format(now=SQL_NOW[connection.vendor]),
                [
                    *(getattr(message, name) for name in OUTCOME),
                    message.sampled_at is not None,
                    message.pk,
                    was.value,
                ],
            )
            return bool(cursor.rowcount)

    def take(self, message: Message) -> bool:
        """Take a message out of the queue while it is fresh; return True for exactly one of several workers."""
        fresh = self.filter(pk=message.pk, state=State.QUEUED, created_at__gt=DatabaseNow() - FRESHNESS[message.kind])
        return bool(fresh.update(state=State.SENDING, taken_at=DatabaseNow()))

    def withdraw(self, message: Message, *, fault: str, text: str) -> bool:
        """Take a message out of the queue unsent, and give its claim back; return False if a worker was faster."""
        queued = self.filter(pk=message.pk, state=State.QUEUED)
        outcome = {"state": State.UNSENT, "counted": False, "sampled_at": None, "fault": fault, "result_text": text}
        return bool(queued.update(**outcome, finished_at=DatabaseNow()))

    def left_behind(self) -> MessageQuerySet:
        """Return messages that waited in the queue for too long, and those whose worker has died while sending."""
        now = DatabaseNow()
        overdue = Q()
        for kind, freshness in FRESHNESS.items():
            overdue |= Q(state=State.QUEUED, kind=kind, created_at__lte=now - freshness)
        abandoned = Q(state=State.SENDING, created_at__lte=now - LEASE)
        abandoned &= Q(taken_at=None) | Q(taken_at__lte=now - LEASE)
        # State and time once more, for the index: no database looks for a condition common to both sides of an OR.
        youngest = now - min(LEASE, *FRESHNESS.values())
        return self.filter(overdue | abandoned, state__in=[State.QUEUED, State.SENDING], created_at__lte=youngest)

    def give_up(self, message: Message, *, fault: str, text: str) -> bool:
        """Write UNKNOWN to a message whose lease has run out; return False if its end was written meanwhile."""
        # The end of the lease, not the time of this statement: limits count from the last moment it can have arrived.
        finished_at = message.started_at + LEASE
        sending = self.filter(pk=message.pk, state=State.SENDING)
        return bool(sending.update(state=State.UNKNOWN, fault=fault, result_text=text, finished_at=finished_at))

    def codes_wait(self) -> bool:
        """Return True if a fresh code has waited in the queue for longer than UNTAKEN."""
        now = DatabaseNow()
        waiting = self.filter(state=State.QUEUED, kind=Kind.CODE, created_at__gt=now - FRESHNESS[Kind.CODE])
        return waiting.filter(created_at__lte=now - UNTAKEN).exists()

    def age_of_latest(self, rank: int) -> timedelta | None:
        """Return how long ago the `rank`-th latest message was created, None if there are fewer."""
        latest = self.order_by("-created_at").annotate(now=DatabaseNow()).values_list("now", "created_at")
        for now, created_at in latest[rank - 1 : rank]:
            return now - created_at
        return None

    def unverified_codes(self, client: str, *, since: datetime) -> MessageQuerySet:
        """Return the codes that this client requested after `since` and that were never verified, newest first."""
        codes = self.filter(client=client, created_at__gt=since, kind=Kind.CODE, counted=True)
        return codes.filter(verification__verified_at=None).order_by("-created_at")

    def verified_of_last(self, most: int, *, since: datetime, until: datetime) -> list[bool]:
        """Return, for up to `most` of the last codes in the sample, whether each was verified, newest first.

        Only messages created between `since` and `until` are read. A code that was sent again counts once, by its first
        message in the sample.
        """
        earlier = self.filter(verification=OuterRef("verification"), pk__lt=OuterRef("pk"), sampled_at__isnull=False)
        ended = self.filter(sampled_at__gt=since, sampled_at__lte=until).exclude(
            state__in=[State.QUEUED, State.SENDING]
        )
        # A purge deletes unverified verifications first: their messages count as unverified.
        first = ended.filter(~Exists(earlier)).order_by("-sampled_at")
        verified = first.values_list("verification__verified_at", flat=True)[:most]
        return [verified_at is not None for verified_at in verified]


class Message(models.Model):
    """A message to the platform. While `counted` is true, it holds a claim on its phone's limits."""

    recipient = models.ForeignKey(
        Recipient,
        on_delete=models.CASCADE,
        related_name="messages",
        db_index=False,  # the index ihuyi_msg_recipient begins with this column
        verbose_name=_("recipient"),
    )
    verification = models.ForeignKey(
        Verification, on_delete=models.SET_NULL, null=True, related_name="messages", verbose_name=_("verification")
    )
    channel = models.CharField(_("channel"), max_length=16)
    #: Empty for a notice.
    purpose = models.CharField(_("purpose"), max_length=32, blank=True)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    #: A name in TEMPLATES, and its values without a code, which is derived from the verification at the call.
    template = models.CharField(_("template"), max_length=32)
    variables = models.JSONField(_("variables"), default=list)
    #: The text as the phone shows it, the code masked.
    text = models.CharField(_("text"), max_length=1000)
    #: Whether RETENTION has erased text, variables and client; they are empty then.
    erased = models.BooleanField(default=False, db_default=False, editable=False)
    state = models.CharField(_("state"), max_length=12, choices=State)
    counted = models.BooleanField(_("counted"), default=True)
    result_code = models.IntegerField(_("result code"), null=True)
    result_text = models.CharField(_("result text"), max_length=200, blank=True)
    fault = models.CharField(_("fault"), max_length=32, blank=True)
    platform_id = models.CharField(_("platform id"), max_length=64, blank=True)
    parts = models.PositiveSmallIntegerField(_("parts"), default=1)
    #: The requester: an IPv4 address, or the /64 network of an IPv6 address.
    client = models.CharField(_("client"), max_length=43, blank=True)
    created_at = models.DateTimeField(_("created at"))
    #: `created_at` if the message is in the sample of the conversion breaker, else None: so its index finds the sample
    #: however many other messages there are.
    sampled_at = models.DateTimeField(null=True, editable=False)
    #: When a worker took it out of the queue; None if it was never queued.
    taken_at = models.DateTimeField(_("taken at"), null=True, editable=False)
    finished_at = models.DateTimeField(_("finished at"), null=True)
    duration = models.FloatField(_("duration in seconds"), null=True)
    #: The platform's receipt: code, text, its time by the platform's clock, and its arrival by the database's.
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
            models.Index(fields=["sampled_at"], name="ihuyi_msg_sampled"),
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
        """The canonical number; empty after it was erased."""
        return self.recipient.phone or ""

    @property
    def started_at(self) -> datetime:
        """When the lease began: its worker took it, or it was written. No call begins more than 52 seconds later."""
        return self.taken_at or self.created_at

    def is_overdue(self, now: datetime) -> bool:
        """Return True if it is queued and too old to be sent."""
        return self.state == State.QUEUED and self.created_at + FRESHNESS[self.kind] <= now
