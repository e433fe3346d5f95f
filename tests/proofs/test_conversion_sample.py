"""F24: the conversion breaker finds its sample at once, in a send log of any length, whatever else is in it."""

import os
import statistics
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_ihuyi.models import Message, Verification
from django_ihuyi.verification import send_code
from tests.support.row_copies import FIRST, multiplication, patient_cursor
from tests.support.use_cases import PHONE

pytestmark = pytest.mark.proof

#: Of messages, and as many verifications.
ROWS = int(os.environ.get("PROOF_SAMPLE_ROWS", 1_000_000))
FEW = 10_000
#: Of ten rows the newest was refused, as after a flood of sends that cost nothing. All are of the last day.
REFUSED = "n < {first} + {rows} / 10"
#: Target of milliseconds for a look, which a request waits for once a second; what a busy machine may make of it.
LONGEST, TOLERANCE = 5, 10
WINDOW = 100

on_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="the rows are made by PostgreSQL's generate_series"
)


def fill(rows):
    """Write so many messages: a tenth refused, of the older ones each with a code, and every tenth code verified."""
    refused = REFUSED.format(first=FIRST, rows=rows)
    verification = {
        "id": "md5(n::text)",
        "created_at": "moment",
        "expires_at": "moment + interval '5 minutes'",
        "verified_at": "CASE WHEN n % 10 = 0 THEN moment + interval '20 seconds' END",
    }
    message = {
        "id": f"{2 * FIRST} - n",
        "verification_id": "md5(n::text)",
        "platform_id": "n::text",
        "created_at": "moment",
        "finished_at": "moment + interval '0.2 seconds'",
        "state": f"CASE WHEN {refused} THEN 'refused' ELSE 'submitted' END",
        "counted": f"NOT ({refused})",
        "sampled_at": f"CASE WHEN {refused} THEN NULL ELSE moment END",
    }
    send_code(PHONE, purpose="login")
    with patient_cursor(connection) as cursor:
        cursor.execute(multiplication(Verification, verification, rows, days=1))
        cursor.execute(multiplication(Message, message, rows, days=1))
        cursor.execute("VACUUM ANALYZE")


def fill_anywhere(rows):
    """Write so many messages as `fill` does, on any database; every fifth code was sent again."""
    send_code(PHONE, purpose="login")
    first, now = Message.objects.get(), timezone.now()
    verifications, messages = [], []
    for number in range(rows):
        moment = now - timedelta(days=1) * (rows - number) / rows
        is_refused = number > rows * 9 / 10
        if number % 5 or not verifications:
            verified_at = moment if number % 10 == 1 else None
            verification = copy(
                first.verification, id=f"{number:032x}", created_at=moment, expires_at=now, verified_at=verified_at
            )
            verifications.append(verification)
        outcome = {"state": "refused" if is_refused else "submitted", "sampled_at": None if is_refused else moment}
        messages.append(
            copy(first, id=FIRST + number, verification_id=verifications[-1].pk, created_at=moment, **outcome)
        )
    Verification.objects.bulk_create(verifications, batch_size=500)
    Message.objects.bulk_create(messages, batch_size=500)
    with connection.cursor() as cursor:
        for table in ("ihuyi_message", "ihuyi_verification"):
            cursor.execute(f"ANALYZE {'TABLE' if connection.vendor == 'mysql' else ''} {table}")


def copy(row, **changes):
    return type(row)(**{field.attname: getattr(row, field.attname) for field in row._meta.fields} | changes)


def look():
    """Read the sample as the breaker does; return it, and the statement."""
    until = timezone.now() - timedelta(minutes=1)
    with CaptureQueriesContext(connection) as queries:
        sample = Message.objects.verified_of_last(WINDOW, since=until - timedelta(days=1), until=until)
    [statement] = queries
    return sample, statement["sql"]


def time_of_look():
    """Return the median of some looks, in milliseconds."""
    took = []
    for _ in range(20):
        began = time.perf_counter()
        look()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def plan_of(statement):
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    with connection.cursor() as cursor:
        cursor.execute(f"{explain} {statement}")
        return "\n".join(str(row) for row in cursor.fetchall())


def test_a_look_reads_the_index_of_the_sample_and_sorts_nothing(figure):
    fill_anywhere(2 * FEW)

    sample, statement = look()
    plan = plan_of(statement)

    figure(f"F24 a look of the conversion breaker on {connection.vendor}", f"{time_of_look():.1f} ms")
    print(plan)
    assert (len(sample), sum(sample)) == (WINDOW, WINDOW // 8)
    assert "ihuyi_msg_sampled" in plan
    assert [word for word in ("Sort", "filesort", "TEMP B-TREE", "temporary") if word in plan] == []


@on_postgresql
@pytest.mark.timed
def test_a_look_takes_as_long_behind_a_million_refused_messages_as_in_a_short_log(figure):
    milliseconds = {}
    for rows in (FEW, ROWS):
        Message.objects.all().delete()
        Verification.objects.all().delete()
        fill(rows)
        sample, statement = look()
        milliseconds[rows] = time_of_look()
        plan = plan_of(statement)
        assert (len(sample), sum(sample)) == (WINDOW, WINDOW // 10)
        assert ("ihuyi_msg_sampled" in plan, "Sort" in plan, "Seq Scan" in plan) == (True, False, False), plan

    figure(
        "F24 a look of the conversion breaker",
        ", ".join(f"{took:.1f} ms in {rows:,} rows" for rows, took in milliseconds.items()) + f" [target {LONGEST}]",
    )
    assert max(milliseconds.values()) <= LONGEST * TOLERANCE
