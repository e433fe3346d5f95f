"""Fill tables with as many rows as a site gathers in years, by SQL."""

from django.db import connections
from phone_verify.models import SMSVerification

from django_ihuyi.models import Message, Recipient, Verification
from django_ihuyi.verification import send_code
from tests.benchmark.contestants import PHONE_VERIFY, empty, phones
from tests.support.row_copies import multiplication, patient_cursor

#: What differs from row to row, in SQL over `n` and `moment`; all else is as in the first row, which is a real one.
DIFFERENCES = {
    Recipient: {"id": "n", "phone": "'+8615' || lpad(n::text, 9, '0')", "fingerprint": "md5(n::text)"},
    Verification: {
        "id": "md5(n::text)",
        "recipient_id": "n",
        "seed": "''",
        "attempts": "1",
        "created_at": "moment",
        "expires_at": "moment + interval '5 minutes'",
        "verified_at": "moment + interval '20 seconds'",
    },
    Message: {
        "id": "n",
        "recipient_id": "n",
        "verification_id": "md5(n::text)",
        "platform_id": "n::text",
        "created_at": "moment",
        "finished_at": "moment + interval '0.2 seconds'",
    },
    SMSVerification: {
        "id": "md5(n::text)::uuid",
        "created_at": "moment",
        "modified_at": "moment",
        "phone_number": "'+8615' || lpad(n::text, 9, '0')",
        "session_token": "md5(n::text)",
    },
}
#: How far the times go back.
DAYS = 90


def fill(rows, *, using):
    """Let ours and django-phone-verify begin with so many rows in each table."""
    empty(using=using)
    send_code(next(phones), purpose="login", using=using)
    PHONE_VERIFY.verifies(1, using=using)
    with patient_cursor(connections[using]) as cursor:
        for model, differences in DIFFERENCES.items():
            cursor.execute(multiplication(model, differences, rows, days=DAYS))
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")
