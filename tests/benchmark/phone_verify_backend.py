"""Let django-phone-verify send to the same platform, as cheaply as the bare view does."""

from phone_verify.backends.base import BaseBackend

from tests.benchmark.one_post import post


class PlatformBackend(BaseBackend):
    """One POST for each message."""

    def __init__(self, **options):
        super().__init__(**options)
        self.exception_class = RuntimeError

    def send_sms(self, number, message):
        post(number.removeprefix("+86"), message)

    def send_bulk_sms(self, numbers, message):
        for number in numbers:
            self.send_sms(number, message)
