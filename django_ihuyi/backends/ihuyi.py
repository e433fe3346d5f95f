"""The platform itself, over HTTPS."""

from __future__ import annotations

from typing import Any

from django_ihuyi import phones
from django_ihuyi.backends.base import BaseBackend
from django_ihuyi.client.http import Client
from django_ihuyi.client.outcomes import Balance, Submission
from django_ihuyi.conf import settings
from django_ihuyi.message_templates import OutgoingText


class IhuyiBackend(BaseBackend):
    """Send through an account of the platform. Options: those of `client.Client`, at least `account` and `api_key`."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.client = self.make_client(**options)

    def make_client(self, **options: Any) -> Client:
        """Return the client that all threads of the process share."""
        return Client(allowed_hosts=settings.PLATFORM_HOSTS, allow_loopback=settings.ALLOW_LOOPBACK, **options)

    def submit(self, phone: str, text: OutgoingText) -> Submission:
        """Send one message."""
        return self.client.submit(mobile=phones.wire(phone), content=text.content, template_id=text.template_id)

    def get_balance(self) -> Balance:
        """Ask the platform (GetNum)."""
        return self.client.get_balance()
