"""Fill tables with as many rows as a site gathers in years, by SQL."""

from django.db import connections
from phone_verify.models import SMSVerification

from django_ihuyi.models import Message, Recipient, Verification
from django_ihuyi.verification import send_code
from tests.benchmark.contestants import PHONE_VERIFY, empty, phones

#: What differs from row to row, in SQL over `n` and `moment`; all else is as in the first row, which is a real one.
DIFFERENCES = {
    Recipient: {"id": "n", "phone": "'+8615' || lpad(n::text, 9, '0')"},
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
#: The numbers begin far above those that the sequences give, and the times go back 90 days.
FIRST = 10**8


def fill(rows, *, using):
    """Let ours and django-phone-verify begin with so many rows in each table."""
    empty(using=using)
    send_code(next(phones), purpose="login", using=using)
    PHONE_VERIFY.verifies(1, using=using)
    with connections[using].cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        for model, differences in DIFFERENCES.items():
            cursor.execute(multiplication(model, differences, rows))
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")


def multiplication(model, differences, rows):
    columns = [field.column for field in model._meta.concrete_fields]
    values = [differences.get(column, f"first.{column}") for column in columns]
    return f"""
        INSERT INTO {model._meta.db_table} ({", ".join(columns)})
        SELECT {", ".join(values)}
        FROM {model._meta.db_table} AS first,
            generate_series({FIRST}, {FIRST + rows - 2}) AS n,
            LATERAL (SELECT now() - interval '90 days' * (n - {FIRST}) / {rows} AS moment) AS moments
    """
