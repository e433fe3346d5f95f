"""The three contestants: what each is asked to do, and the codes that lie ready to be verified."""

import datetime
import itertools
import secrets

from django.db import connections
from django.utils import timezone
from phone_verify.models import SMSVerification

from django_ihuyi import codes
from django_ihuyi.models import Message, Recipient, Verification
from tests.benchmark.bare.models import Sent

LIFE = datetime.timedelta(seconds=500)
#: No phone is asked for twice in a run.
phones = (f"13{number:09}" for number in itertools.count(secrets.randbelow(5 * 10**8)))


class Ours:
    """django_ihuyi."""

    name = "django_ihuyi"
    models = (Message, Verification, Recipient)
    send_status, verify_status = 202, 200

    def sends(self, count):
        return [("/ours/send-code/", {"phone": phone, "purpose": "login"}) for phone in itertools.islice(phones, count)]

    def verifies(self, count, *, using):
        recipients = Recipient.objects.using(using).bulk_create(
            Recipient().identify(f"+86{phone}") for phone in itertools.islice(phones, count)
        )
        verifications = Verification.objects.using(using).bulk_create(map(self.issue, recipients))
        return [
            ("/ours/verify-code/", {"verification_id": verification.pk, "code": verification.code})
            for verification in verifications
        ]

    def issue(self, recipient):
        now = timezone.now()
        return Verification(
            id=secrets.token_hex(16),
            recipient=recipient,
            purpose="login",
            seed=codes.new_seed(),
            key_id=codes.current_key_id(),
            code_length=6,
            created_at=now,
            expires_at=now + LIFE,
        )


class Bare:
    """The bare view."""

    name = "bare view"
    models = (Sent,)
    send_status, verify_status = 202, 200

    def sends(self, count):
        return [("/bare/send/", {"phone": phone}) for phone in itertools.islice(phones, count)]

    def verifies(self, count, *, using):
        rows = Sent.objects.using(using).bulk_create(
            Sent(phone=phone, code="123456") for phone in itertools.islice(phones, count)
        )
        return [("/bare/verify/", {"id": row.pk, "code": row.code}) for row in rows]


class PhoneVerify:
    """django-phone-verify."""

    name = "django-phone-verify"
    models = (SMSVerification,)
    send_status, verify_status = 200, 200

    def sends(self, count):
        return [
            ("/phone-verify/phone/register", {"phone_number": f"+86{phone}"})
            for phone in itertools.islice(phones, count)
        ]

    def verifies(self, count, *, using):
        rows = SMSVerification.objects.using(using).bulk_create(
            SMSVerification(phone_number=f"+86{phone}", security_code="123456", session_token=secrets.token_hex(16))
            for phone in itertools.islice(phones, count)
        )
        return [
            (
                "/phone-verify/phone/verify",
                {
                    "phone_number": str(row.phone_number),
                    "session_token": row.session_token,
                    "security_code": row.security_code,
                },
            )
            for row in rows
        ]


OURS, BARE, PHONE_VERIFY = CONTESTANTS = Ours(), Bare(), PhoneVerify()


def empty(*, using):
    """Let every contestant begin with nothing."""
    tables = ", ".join(model._meta.db_table for contestant in CONTESTANTS for model in contestant.models)
    with connections[using].cursor() as cursor:
        cursor.execute(f"TRUNCATE {tables} CASCADE")
