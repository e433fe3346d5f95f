"""The platform as it pushes, and messages for it to push about."""

import secrets
from urllib.parse import urlencode

import pytest
from django.test import Client

from django_ihuyi.models import Message
from tests.support.use_cases import LOCMEM, PHONE, failing, send

# The same in every process of the suite: ids of tests are made of them.
SECRET = "Sg4mkQ-Zy1xH_eB7Dw0cTnUpKf2RvJ8aLo5iXq9hM3E"
OLD_SECRET = "b0TzXr_6NdPq-W2uJc8kVfYh5aLmE1sGiO7xRtK3BvQ"
FORM_TYPE = "application/x-www-form-urlencoded; charset=utf-8"
REPORTED = "2026-11-24 20:00:05"


@pytest.fixture(autouse=True)
def _own_settings(settings):
    settings.IHUYI = {
        "CHANNELS": {"sms": {"BACKEND": LOCMEM}, "voice": {"BACKEND": LOCMEM}},
        "WEBHOOK_SECRETS": [SECRET, OLD_SECRET],
    }


class Platform:
    """Pushes forms with a right secret, unless told otherwise."""

    def __init__(self):
        self.client = Client(enforce_csrf_checks=True)

    def receipt(self, message, code="2", **fields):
        return self.push("receipts", **receipt_form(message, code=code, **fields))

    def reply(self, content="TD", **fields):
        form = {"mobilephone": PHONE[3:], "content": content, "smsid": "1", "reply_time": REPORTED, **fields}
        return self.push("replies", **form)

    def push(self, kind, **form):
        return self.post(f"/webhooks/{kind}/{SECRET}/", urlencode(form))

    def post(self, path, body, content_type=FORM_TYPE, **environ):
        # In the environment too, because Django's client drops the type of an empty body.
        return self.client.generic("POST", path, body, content_type, CONTENT_TYPE=content_type, **environ)


@pytest.fixture
def platform():
    return Platform()


def receipt_form(message, code="2", **fields):
    form = {"smsid": message.platform_id, "mobilephone": message.phone[3:], "code": code, "msg": "DELIVRD"}
    return {**form, "report_time": REPORTED, **fields}


@pytest.fixture
def message(outbox):
    """A message that the platform has taken."""
    return sent()


def sent(phone=PHONE, **rest):
    send(phone, **rest)
    return Message.objects.first()


@pytest.fixture
def nameless(outbox, configure):
    """A message of which it is not known whether it left, nor its id."""
    configure(CHANNELS=failing(outcome="unknown"))
    message = sent()
    configure(CHANNELS=failing())
    return message


def dated_id(moment):
    """An id as the platform gives it: Unix seconds, and ten more digits."""
    return f"{int(moment.timestamp()):010d}{secrets.randbelow(10**10):010d}"


def row(message):
    return Message.objects.get(pk=message.pk)


def others(message):
    """All that a receipt must not touch."""
    mine = {"state", "platform_id", "receipt_code", "receipt_text", "reported_at", "received_at"}
    stored = Message.objects.filter(pk=message.pk).values().get()
    return {name: value for name, value in stored.items() if name not in mine}
