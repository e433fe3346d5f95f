"""What a kill -9 leaves of a message, and how that reckons up when recovery and the phone's holder have been there."""

import dataclasses

from django_ihuyi.models import Message
from tests.proofs.support.audits import reckon
from tests.proofs.support.crash_scenes import recover_twice
from tests.proofs.support.platform_pushes import push, receipt_of
from tests.proofs.support.queued_sites import wait_until
from tests.proofs.support.site_client import Issued, send

F7 = "F7 lost / doubled / unlogged / uncounted, kill -9"
TARGET = "[target 0 / 0 / 0 / 0]"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What a kill leaves of a message: what arrived, its state before and after recovery, and what it counts as."""

    arrived: int
    state: str | None = None
    end: str | None = None
    counted: int = 0


NOTHING = Left(arrived=0)
UNKNOWN = Left(arrived=0, state="sending", end="unknown", counted=1)
SETTLED_LATER = Left(arrived=1, state="sending", end="unknown", counted=1)
SENT = Left(arrived=1, state="submitted", end="submitted", counted=1)
TOO_OLD = Left(arrived=0, state="queued", end="unsent", counted=0)


def see_what_is_left(site, phone, expected, *, promised):
    """Return what is left of a killed send, and how it reckons up when the phone's holder has asked once more."""
    platform = site.platform
    # What the kernel has got arrives, although its sender is dead.
    wait_until(lambda: len(platform.messages(phone)) >= expected.arrived)
    state = state_of(phone)
    recover_twice()
    left = Left(
        arrived=len(platform.messages(phone)),
        state=state,
        end=state_of(phone),
        counted=Message.objects.filter(recipient__phone=f"+86{phone}", counted=True).count(),
    )
    total = reckon(platform, phone, asked=1, promised=promised)
    if left.arrived and left.end:
        # The code is good, and a receipt says at last what became of the message.
        settle(site, phone)
        assert site.ask(newest(platform, phone).right).status == 200
    # Nobody is kept from asking again by what is dead.
    assert site.ask(send(phone)).status == 202
    wait_until(lambda: len(platform.messages(phone)) > left.arrived)
    wait_until(lambda: state_of(phone) == "submitted")
    assert site.ask(newest(platform, phone).right).status == 200
    return left, total + reckon(platform, phone, asked=2, promised=promised + 1)


def state_of(phone):
    """Return the state of the phone's last message, None if there is none."""
    return Message.objects.filter(recipient__phone=f"+86{phone}").values_list("state", flat=True).first()


def settle(site, phone):
    """Push the receipt of the phone's only message."""
    message = Message.objects.select_related("recipient").get(recipient__phone=f"+86{phone}")
    [arrived] = site.platform.messages(phone)
    assert push(site.address, "receipts", [receipt_of(message, smsid=arrived["smsid"])]) == [200]
    message.refresh_from_db()
    assert (message.state, message.platform_id) == ("delivered", arrived["smsid"])


def newest(platform, phone):
    """Return the last code that the phone has got, with the verification that nobody was told of."""
    message = Message.objects.filter(recipient__phone=f"+86{phone}").latest("pk")
    return Issued(phone=phone, verification_id=message.verification_id, code=platform.code(phone))
