"""The backend that sends through the platform, over HTTPS."""

from __future__ import annotations

from typing import Any

from django.views.decorators.debug import sensitive_variables

from django_ihuyi import phones
from django_ihuyi.backends.base import BaseBackend
from django_ihuyi.client.http import Client
from django_ihuyi.client.outcomes import Balance, Outcome, Submission
from django_ihuyi.conf import settings
from django_ihuyi.texts.templates import OutgoingText

__all__ = ["IhuyiBackend"]

#: The platform's product of each channel; a channel of any other name sends SMS.
PRODUCTS = {"voice": "voice_code", "international": "international", "marketing": "marketing"}


class IhuyiBackend(BaseBackend):
    """Send through an account of one of the platform's products.

    Options: those of `client.http.Client`, at least `account` and `api_key`. The channel chooses the `product`, except
    that `product="voice_notice"` may replace "voice_code" for "voice". `voice_template_id` is then the number of the
    template that codes are spoken with, if it differs from that of the SMS.
    """

    def __init__(
        self,
        *,
        channel: str = "sms",
        product: str | None = None,
        voice_template_id: str = "",
        **options: Any,
    ) -> None:
        super().__init__(channel=channel)
        self.product = product or PRODUCTS.get(channel, "sms")
        self.voice_template_id = voice_template_id
        self.client = self.make_client(product=self.product, **options)

    def make_client(self, **options: Any) -> Client:
        """Return the client that all threads of the process share."""
        return Client(allowed_hosts=settings.PLATFORM_HOSTS, allow_loopback=settings.ALLOW_LOOPBACK, **options)

    @sensitive_variables()
    def submit(self, phone: str, text: OutgoingText) -> Submission:
        """Send one message."""
        content, template_id = text.content, text.template_id
        if self.product == "voice_code":
            if not text.code:
                reason = "voice codes speak digits only, and this message is a notice: use the product voice_notice"
                return Submission(outcome=Outcome.UNSENT, code=None, text=reason, fault="no_code", elapsed=0.0)
            content, template_id = text.code, None
        elif text.code and self.voice_template_id:
            content, template_id = text.code, self.voice_template_id
        return self.client.submit(mobile=phones.wire(phone), content=content, template_id=template_id)

    @sensitive_variables()
    def get_balance(self) -> Balance:
        """Return the balance that the platform reports (GetNum)."""
        return self.client.get_balance()
