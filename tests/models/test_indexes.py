"""Each index has a query that would read a whole table without it."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_ihuyi.admin.base import BoundedPaginator
from django_ihuyi.delivery.receipts import take_receipt
from django_ihuyi.models import Message, Recipient, Reply, Verification
from django_ihuyi.models.batches import BatchRow
from django_ihuyi.models.budgets import Budget
from django_ihuyi.models.receipts import Receipt
from django_ihuyi.models.sql.snapshot import read_snapshot
from django_ihuyi.retention.steps import STEPS
from django_ihuyi.verification import get_status
from tests.support.use_cases import PHONE, send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("outbox")]

NOW, DAY = timezone.now(), timedelta(days=1)

# Table and columns of each index, and a query of the app that needs it.
QUERIES = {
    "recipient: forgotten_at": lambda issued: purge("forgotten numbers"),
    "recipient: suppressed_at": lambda issued: count_of_today(Recipient, "suppressed_at"),
    "verification: created_at": lambda issued: count_of_today(Verification, "created_at"),
    "verification: recipient_id, verified_at": lambda issued: Verification.objects.verified_within(PHONE).exists(),
    "verification: verified_at, expires_at": lambda issued: purge("verifications that did not succeed"),
    "message: recipient_id, created_at": lambda issued: read_snapshot(PHONE, using="default"),
    "message: verification_id": lambda issued: get_status(issued.verification_id),
    "message: client, created_at": lambda issued: list(Message.objects.unverified_codes("192.0.2.1", since=NOW)),
    "message: created_at": lambda issued: Message.objects.age_of_latest(300),
    "message: sampled_at": lambda issued: Message.objects.verified_of_last(100, since=NOW - DAY, until=NOW),
    "message: platform_id": lambda issued: take_receipt_of_unknown(),
    "message: state, created_at": lambda issued: list(Message.objects.left_behind().order_by("created_at")),
    "message: erased, created_at": lambda issued: purge("numbers and texts"),
    "batchrow: message_id": lambda issued: BatchRow.objects.filter(message=1).exists(),
    "budget: refused_at": lambda issued: count_of_today(Budget, "refused_at"),
    "budget: updated_at": lambda issued: list(Budget.objects.order_by("-updated_at")[:50]),
    "spentcaptcha: expires_at": lambda issued: purge("spent captchas"),
    "idempotencykey: expires_at": lambda issued: purge("answers to idempotency keys"),
    "unmatchedreceipt: received_at": lambda issued: purge("unmatched receipts"),
    "reply: received_at": lambda issued: purge("replies"),
    # The index of a unique constraint begins with the recipient too: a database may use either.
    "reply: recipient_id, replied_at": lambda issued: Reply.objects.filter(recipient_id=1).exists(),
}
EITHER = {"reply: recipient_id, replied_at": "ihuyi_reply_once"}


def purge(name):
    [step] = [step for step in STEPS if str(step.name) == name]
    return list(step.due(using="default")[:1000])


def take_receipt_of_unknown():
    Message.objects.update(state="unknown", platform_id="")
    take_receipt(Receipt(platform_id="1", phone=PHONE, is_delivered=True, code="2"))


def count_of_today(model, field):
    """Count rows as the admin does, filtered by a date."""
    rows = model.objects.filter(**{f"{field}__gte": NOW, f"{field}__lt": NOW + DAY})
    return BoundedPaginator(rows, 50).count


def indexes():
    """Return the indexes that are not constraints, {"table: columns": name}."""
    found = {}
    with connection.cursor() as cursor:
        for model in apps.get_app_config("ihuyi").get_models():
            table = model._meta.db_table
            for name, of in connection.introspection.get_constraints(cursor, table).items():
                if of["index"] and not (of["unique"] or of["primary_key"]):
                    found[f"{table.removeprefix('ihuyi_')}: {', '.join(of['columns'])}"] = name
    return found


def explain(statements):
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}")
            yield "\n".join(str(row) for row in cursor.fetchall())


@pytest.mark.skipif(connection.vendor != "sqlite", reason="others plan by what stands in the tables: next to nothing")
@pytest.mark.parametrize("index", QUERIES)
def test_a_query_of_the_app_finds_its_rows_by_the_index(index):
    issued = send()

    with CaptureQueriesContext(connection) as queries:
        QUERIES[index](issued)
    plans = list(explain(query["sql"] for query in queries if query["sql"].split()[0] in {"SELECT", "UPDATE"}))

    names = {indexes()[index], EITHER.get(index, indexes()[index])}
    assert any(name in plan for plan in plans for name in names), plans


@pytest.mark.skipif(connection.vendor == "mysql", reason="MariaDB makes indexes of its own for references")
def test_every_index_has_a_query():
    assert set(QUERIES) == set(indexes())


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only there does Django make them")
def test_no_text_has_a_second_index_for_searches_by_its_beginning():
    with connection.cursor() as cursor:
        names = [
            name
            for model in apps.get_app_config("ihuyi").get_models()
            for name in connection.introspection.get_constraints(cursor, model._meta.db_table)
        ]

    assert [name for name in names if name.endswith("_like")] == []
