"""Places of an account: with so many of them, so many messages leave within any second, and not one more."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_ihuyi.database.clock import DatabaseNow

#: A place stays taken for so long after the end of its call; as between two messages to one number (limits/sends.py).
COOLING = timedelta(seconds=1)
#: What a process that died has taken comes free after so long. It is more than whatever a call may last.
HELD = timedelta(seconds=20)
#: So many of those that come free first are looked at, so that not all who look want the same one.
_LOOKED_AT = 16

_chance = secrets.SystemRandom()


class PlaceQuerySet(models.QuerySet["Place"]):
    """Rules about places that one conditional statement judges."""

    def take(self, channel: str, *, rate: int, among: int) -> Place | timedelta:
        """Take one of the first `among` of a channel's `rate` places, or return how long none of them is free."""
        while True:
            first = self.filter(channel=channel, number__lt=among).order_by("free_at")
            places = list(first.annotate(now=DatabaseNow())[:_LOOKED_AT])
            free = [place for place in places if place.wait <= timedelta(0)]
            _chance.shuffle(free)
            for place in free:
                if self._claim(place):
                    return place
            if not free and not self._furnish(channel, rate=rate) and places:
                return places[0].wait

    def give_back(self, place: Place, *, was_used: bool) -> None:
        """Free a place: at once, or after a call that has just ended, in a second."""
        pause = COOLING if was_used else timedelta(0)
        self.filter(pk=place.pk, version=place.version).update(free_at=DatabaseNow() + pause)

    def _claim(self, place: Place) -> bool:
        same = self.filter(pk=place.pk, version=place.version)
        place.version += 1
        return bool(same.update(version=place.version, free_at=DatabaseNow() + HELD))

    def _furnish(self, channel: str, *, rate: int) -> bool:
        """Make the places that are not there yet; False if they all are."""
        numbers = set(self.filter(channel=channel, number__lt=rate).values_list("number", flat=True))
        missing = [number for number in range(rate) if number not in numbers]
        places = [Place(channel=channel, number=number, free_at=DatabaseNow()) for number in missing]
        self.bulk_create(places, ignore_conflicts=True)
        return bool(missing)


class Place(models.Model):
    """One of the messages that may leave by a channel's account within a second."""

    channel = models.CharField(_("channel"), max_length=16)
    number = models.PositiveIntegerField(_("number"))
    #: Grows whenever it is taken, so that each time exactly one takes it, and gives back only what it has.
    version = models.PositiveBigIntegerField(default=0, editable=False)
    free_at = models.DateTimeField(_("free at"))

    objects = PlaceQuerySet.as_manager()

    class Meta:
        verbose_name = _("place of an account")
        verbose_name_plural = _("places of accounts")
        ordering = ["channel", "number"]
        constraints = [models.UniqueConstraint(fields=["channel", "number"], name="ihuyi_place_once")]

    def __str__(self) -> str:
        return f"{self.channel} {self.number}"

    @property
    def wait(self) -> timedelta:
        """How long it is not free, as it was read; zero or less if it is."""
        now: datetime = self.now  # type: ignore[attr-defined] # annotated by whoever reads it
        return self.free_at - now
