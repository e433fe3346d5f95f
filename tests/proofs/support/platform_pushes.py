"""The platform as it pushes, messages for it to push about, and the simulator, which does both by itself."""

import contextlib
import http.client
import json
import secrets
import time
from urllib.parse import urlsplit

from django.utils import timezone

from django_ihuyi.models import Message, Recipient, State
from tests.proofs.support.concurrent_requests import fire, to_form

SECRET, OTHER_SECRET, ROTATED_OUT = (secrets.token_urlsafe(32) for _ in range(3))
KINDS = ("receipts", "replies")
FORM = "application/x-www-form-urlencoded"
PATIENCE = 180


def push(address, kind, forms, *, secret=SECRET):
    """Push all forms at once; return the statuses."""
    return [
        answer.status for answer in fire(address, [(f"/webhooks/{kind}/{secret}/", f) for f in forms], encode=to_form)
    ]


def order(platform, what, **wanted):
    connection = http.client.HTTPConnection(urlsplit(platform.address).netloc, timeout=PATIENCE)
    with contextlib.closing(connection):
        connection.request("POST", f"/_simulator/{what}", json.dumps(wanted))
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()


def write_message(state=State.SUBMITTED, *, recipient=None):
    """Write a message down as a call leaves it: with an id, unless nobody learnt it."""
    now = timezone.now()
    recipient = recipient or Recipient.objects.create(phone=f"+8613{secrets.randbelow(10**9):09}")
    has_id = state not in (State.UNKNOWN, State.SENDING)
    return Message.objects.create(
        recipient=recipient,
        channel="sms",
        kind="code",
        purpose="login",
        template="code",
        text="******",
        state=state,
        platform_id=new_id(now) if has_id else "",
        created_at=now,
        finished_at=None if state == State.SENDING else now,
    )


def new_id(moment):
    return f"{int(moment.timestamp()):010d}{secrets.randbelow(10**10):010d}"


def receipt_of(message, *, code="2", smsid=None):
    return {"smsid": smsid or message.platform_id, "mobilephone": message.phone[3:], "code": code, "msg": "x"}


def ask(address, path, body=None):
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=PATIENCE)
    with contextlib.closing(connection):
        content = None if body is None else json.dumps(body)
        connection.request("GET" if body is None else "POST", path, content, {"Content-Type": "application/json"})
        return json.loads(connection.getresponse().read())


def wait_for(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
