"""The migration that lets numbers be erased goes forwards and backwards over rows that are there."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from django_ihuyi import retention
from django_ihuyi.exceptions import LimitReached
from django_ihuyi.models import Message, Recipient
from tests.clockwork import let_pass
from tests.story import PHONE, send

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("outbox")]

PRIVACY = ("ihuyi", "0005_privacy")


@pytest.fixture
def migrate():
    """Go to the migration before, or to the newest; return the models as they are there."""

    def go(to):
        executor = MigrationExecutor(connection)
        graph = executor.loader.graph
        before = [node.key for node in graph.node_map[PRIVACY].parents if node.key[0] == "ihuyi"]
        targets = {"before": before, "newest": graph.leaf_nodes("ihuyi")}[to]
        return executor.migrate(targets).apps

    yield go
    go("newest")


def test_numbers_that_an_older_version_wrote_have_their_limits(migrate):
    for _ in range(5):
        send()
        let_pass(seconds=61)
    migrate("before")

    migrate("newest")

    assert Recipient.objects.get().fingerprint is None
    with pytest.raises(LimitReached, match="number_limit"):
        send()


def test_an_older_version_can_read_what_was_erased(migrate):
    send()
    let_pass(days=8)
    list(retention.purge())
    send("+8613900139000")

    apps = migrate("before")

    phones = sorted(apps.get_model("ihuyi", "Recipient").objects.values_list("phone", flat=True))
    assert (len(phones), phones[0]) == (2, "+8613900139000")
    assert phones[1].startswith("?")
    assert apps.get_model("ihuyi", "Message").objects.count() == 2


def test_an_older_version_can_write_while_the_newer_one_is_rolled_out(migrate):
    """Its statements name no new column, and find their rows by number."""
    older = migrate("before").get_model("ihuyi", "Recipient")
    migrate("newest")

    older.objects.create(phone=PHONE)
    send()

    recipient = Recipient.objects.get()
    assert (recipient.phone, recipient.mask, Message.objects.get().erased) == (PHONE, "138****8000", False)
