"""S-07: a router that sends reads to a replica. Rows that decide a limit or a guess are read from the primary."""

import json

import pytest
from django.db import connections

from django_ihuyi import delivery, proofs
from django_ihuyi.delivery import receipts
from django_ihuyi.delivery.recovery import recover
from django_ihuyi.models import Message, Verification
from django_ihuyi.retention.purging import purge
from django_ihuyi.retention.subjects import export, forget
from tests.support.use_cases import PHONE, failing, other_than
from tests.webhooks.conftest import SECRET, Platform

pytestmark = pytest.mark.django_db(transaction=True)


class ReplicaRouter:
    """Sends the app's reads to a replica, unless they name a database."""

    def db_for_read(self, model, **hints):
        return "replica" if model._meta.app_label == "ihuyi" else None

    def db_for_write(self, model, **hints):
        return "default" if model._meta.app_label == "ihuyi" else None

    def allow_relation(self, *rows, **hints):
        return True


@pytest.fixture(autouse=True)
def _replica(settings, monkeypatch, tmp_path):
    """A replica that cannot be opened, so that each read from it fails."""
    replica = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "missing" / "db.sqlite3")}
    monkeypatch.setitem(
        connections.settings, "replica", connections.configure_settings({"default": replica})["default"]
    )
    settings.DATABASE_ROUTERS = ["tests.database.test_replicas.ReplicaRouter"]
    yield
    connections["replica"].close()
    del connections["replica"]


@pytest.fixture
def site(settings, client):
    # A cache that does not count, so that the send log is read.
    settings.CACHES = {"default": {"BACKEND": "tests.support.broken_caches.ForgetfulCache"}}
    settings.IHUYI = {
        **settings.IHUYI,
        "GUARDS": ["django_ihuyi.guards.budgets.BudgetGuard"],
        "RESEND_INTERVAL": 1,
        "WEBHOOK_SECRETS": [SECRET],
    }

    def post(path, key="", **body):
        headers = {"HTTP_IDEMPOTENCY_KEY": key} if key else {}
        return client.post(f"/api/phone/{path}", json.dumps(body), content_type="application/json", **headers)

    return post


def test_sends_guesses_and_proofs_read_no_replica(site, client, outbox):
    issued = site("send-code/", "the-first", phone=PHONE, purpose="login").json()
    repeated = site("send-code/", "the-first", phone=PHONE, purpose="login").json()
    too_soon = site("send-code/", phone=PHONE, purpose="login", verification_id=issued["verification_id"])
    named = {"verification_id": issued["verification_id"]}
    wrong = site("verify-code/", **named, code=other_than(outbox[-1].code))
    status = client.get(f"/api/phone/verifications/{issued['verification_id']}/")
    right = site("verify-code/", "the-second", **named, code=outbox[-1].code)
    again = site("verify-code/", "the-second", **named, code=outbox[-1].code)
    proof = proofs.redeem(right.json()["proof"], purpose="login", user="1")
    proofs.assign(proof, user="1")

    assert repeated == issued
    assert too_soon.status_code == 429
    assert (wrong.json()["code"], wrong.json()["attempts_left"]) == ("code_wrong", 4)
    assert status.json()["state"] == "pending"
    assert right.status_code == again.status_code == 200
    assert proof.phone == PHONE


def test_receipts_and_replies_read_no_replica(site, client, outbox):
    issued = site("send-code/", phone=PHONE, purpose="login").json()
    message = Message.objects.using("default").select_related("recipient").get()
    platform = Platform()
    pushed = [platform.receipt(message), platform.receipt(message, smsid="1"), platform.reply()]
    receipts.settle_unmatched()
    status = client.get(f"/api/phone/verifications/{issued['verification_id']}/")

    assert [answer.content for answer in pushed] == [b"success"] * 3
    assert status.json()["delivery"] == "delivered"


def test_an_early_receipt_is_found_without_a_replica(site, client, outbox):
    issued = site("send-code/", phone=PHONE, purpose="login").json()
    message = Message.objects.using("default").select_related("recipient").get()
    Message.objects.using("default").update(state="sending", platform_id="", finished_at=None)
    Platform().receipt(message)
    Message.objects.using("default").update(
        state="submitted", platform_id=message.platform_id, finished_at=message.finished_at
    )
    status = client.get(f"/api/phone/verifications/{issued['verification_id']}/")

    assert status.json()["delivery"] == "delivered"


def test_notices_recovery_and_purge_read_no_replica(site, configure, outbox):
    configure(TEMPLATES={"hello": {"TEXT": "您好。"}}, CHANNELS=failing())
    delivery.send(PHONE, template="hello")
    left = recover()
    batches = list(purge())
    told = export(PHONE)
    is_forgotten = forget(PHONE)

    assert len(outbox) == 1
    assert (left.unknown, left.unsent) == (0, 0)
    assert batches == []
    assert len(told["recipients"][0]["messages"]) == 1
    assert is_forgotten
    assert not Verification.objects.using("default").exists()
