"""The database: out of reach, or inside a transaction that the host opened around each request."""

import pytest
from django.db import OperationalError, connection, connections
from django.urls import resolve

from tests.api.conftest import NOBODYS_ID

KEYED = {"HTTP_IDEMPOTENCY_KEY": "8e03978e-40d5-43dd-bc93-6894a57f9324"}


class DownRouter:
    """Sends everything of the app to a database that cannot be opened."""

    def db_for_read(self, model, **hints):
        return "down" if model._meta.app_label == "ihuyi" else None

    db_for_write = db_for_read


@pytest.fixture
def _database_down(settings, monkeypatch, tmp_path, django_db_blocker):
    down = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "missing" / "db.sqlite3")}
    monkeypatch.setitem(connections.settings, "down", connections.configure_settings({"default": down})["default"])
    settings.DATABASE_ROUTERS = ["tests.api.test_databases.DownRouter"]
    with django_db_blocker.unblock():
        yield
    connections["down"].close()
    del connections["down"]


@pytest.mark.usefixtures("_database_down")
def test_a_database_out_of_reach_is_answered_with_503(api, sent, caplog):
    answers = [api.send(), api.verify(NOBODYS_ID, "123456"), api.status(NOBODYS_ID)]

    unavailable = {
        "type": "about:blank",
        "title": "Service unavailable",
        "status": 503,
        "detail": "The service is not available at the moment. Try again later.",
        "code": "unavailable",
        "retry_after": 5,
    }
    assert [answer.json() for answer in answers] == [
        {
            **unavailable,
            "detail": "No messages can be sent at the moment. Try again later.",
            "code": "sending_unavailable",
        },
        unavailable,
        unavailable,
    ]
    assert sent == []
    assert [record.message for record in caplog.records if record.name == "django_ihuyi.api"] == [
        f"{view}: the database fails with OperationalError"
        for view in ("SendCodeView", "VerifyCodeView", "VerificationView")
    ]


@pytest.mark.usefixtures("_database_down")
def test_a_request_whose_key_cannot_be_stored_is_not_executed(api, sent):
    answers = [api.send(**KEYED), api.verify(NOBODYS_ID, "123456", **KEYED)]

    assert [answer.json()["code"] for answer in answers] == ["sending_unavailable", "unavailable"]
    assert sent == []


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_cannot_be_stored_is_still_returned(api, sent, caplog):
    def fail(execute, sql, *arguments):
        if sql.startswith("UPDATE") and "ihuyi_idempotencykey" in sql:
            raise OperationalError(f"the disk is full: {sql}")
        return execute(sql, *arguments)

    with connection.execute_wrapper(fail):
        answer = api.send(**KEYED)

    assert (answer.status_code, len(sent)) == (202, 1)
    assert "the answer to an Idempotency-Key is not stored: the database fails with OperationalError" in caplog.messages


@pytest.mark.django_db(transaction=True)
def test_guesses_are_counted_under_atomic_requests(api, sent, monkeypatch, figure):
    """F3: a refusal rolls nothing back, although every request of the host is a transaction."""
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    issued = api.send().json()["verification_id"]
    wrong = f"{(int(sent[0].code) + 1) % 1_000_000:06d}"

    codes = [api.verify(issued, wrong).json()["code"] for _ in range(60)]

    evaluated = codes.count("code_wrong")
    figure("F3", f"{evaluated} of 60 guesses evaluated one after another under ATOMIC_REQUESTS, over HTTP")
    assert codes == ["code_wrong"] * 5 + ["attempts_exhausted"] * 55


@pytest.mark.django_db(transaction=True)
def test_a_refused_message_stays_counted_under_atomic_requests(api, ihuyi, monkeypatch):
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    options = {"outcome": "refused", "result_code": 4072}
    ihuyi(CHANNELS={"sms": {"BACKEND": "django_ihuyi.backends.locmem.LocmemBackend", "OPTIONS": options}})

    codes = [api.send().json()["code"] for _ in range(2)]

    assert codes == ["sending_unavailable", "resend_too_soon"]


@pytest.mark.parametrize("path", ["send-code/", "verify-code/", "verifications/x/"])
def test_the_views_stay_out_of_transactions_on_every_database(path):
    assert resolve(f"/api/phone/{path}").func._non_atomic_requests == set(connections)
