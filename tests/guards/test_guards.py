"""Guards: asked before a code is reserved, in order; what they counted is given back when nothing left."""

from dataclasses import replace

import pytest

from django_ihuyi import signals
from django_ihuyi.exceptions import LimitReached, SendingUnavailable
from django_ihuyi.guards import Guard, Wanted
from django_ihuyi.models import Message
from tests.support.use_cases import PHONE, failing, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("outbox")]

heard = []


@pytest.fixture(autouse=True)
def silence():
    heard.clear()


class First(Guard):
    """Notes what it is told."""

    def check(self, wanted, *, using):
        heard.append((type(self).__name__, "check", wanted.client))
        return wanted

    def give_back(self, wanted, *, using):
        heard.append((type(self).__name__, "give_back", wanted.client))


class Second(First):
    """Another one."""


class Refusing(First):
    """Lets nothing pass."""

    def check(self, wanted, *, using):
        raise LimitReached("global_limit", retry_after=7)


class Suspicious(First):
    """Wants a captcha."""

    def check(self, wanted, *, using):
        return replace(wanted, captcha_reason="too many")


def path(guard):
    return f"{guard.__module__}.{guard.__qualname__}"


def test_guards_are_asked_in_their_order(configure):
    configure(GUARDS=[path(Second), path(First)])

    send(client="192.0.2.1")

    assert heard == [("Second", "check", "192.0.2.1"), ("First", "check", "192.0.2.1")]


def test_a_refusal_writes_nothing_and_gives_the_counts_of_other_guards_back(configure):
    configure(GUARDS=[path(First), path(Second), path(Refusing)])

    with pytest.raises(LimitReached) as refusal:
        send()

    assert (refusal.value.code, refusal.value.retry_after) == ("global_limit", 7)
    assert [word[:2] for word in heard[2:]] == [("Second", "give_back"), ("First", "give_back")]
    assert not Message.objects.exists()


def test_a_message_that_did_not_leave_is_given_back_too(configure):
    configure(GUARDS=[path(First)], CHANNELS=failing(outcome="unsent"))

    with pytest.raises(SendingUnavailable):
        send()

    assert [word[1] for word in heard] == ["check", "give_back"]


def test_a_captcha_without_a_captcha_guard_is_refused_with_its_reason(configure):
    configure(GUARDS=[path(First), path(Suspicious)])
    told = []

    def listen(signal, sender, **arguments):
        told.append(arguments)

    signals.limit_hit.connect(listen)
    try:
        with pytest.raises(LimitReached):
            send()
    finally:
        signals.limit_hit.disconnect(listen)

    assert told == [
        {"code": "global_limit", "retry_after": 60, "phone": "", "client": "", "reason": "too many"},
    ]
    assert [word[1] for word in heard] == ["check", "give_back", "give_back"]


def test_the_repr_of_a_request_hides_the_number(configure):
    wanted = Wanted(phone=PHONE, purpose="login", channel="sms", captcha={"answer": "secret"})

    assert PHONE not in repr(wanted)
    assert "secret" not in repr(wanted)
