"""A log that cannot be written: whoever asks gets an answer, and what became of a message is written down."""

import contextlib
import logging
from pathlib import Path

import pytest

from django_ihuyi.models import Message
from tests.support.use_cases import failing, other_than
from tests.webhooks.conftest import SECRET, Platform

pytestmark = pytest.mark.django_db

FULL_DISK = Path("/dev/full")


class RaisingHandler(logging.Handler):
    """Lets its trouble fly, which the handlers of `logging` itself do not."""

    def emit(self, record):
        raise OSError(28, "No space left on device")


@pytest.fixture(params=["raises", "full disk"])
def handler(request, tmp_path):
    if request.param == "full disk":
        if not FULL_DISK.exists():
            pytest.skip("this system has no disk that is always full")
        handler, name = logging.FileHandler(FULL_DISK), ""
    else:
        handler, name = RaisingHandler(), "django_ihuyi"
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)
    with contextlib.suppress(OSError):  # what no disk has taken
        handler.close()


@pytest.mark.parametrize("raises", [True, False], ids=["raiseExceptions", "silent"])
@pytest.mark.usefixtures("handler")
def test_a_log_that_cannot_be_written_costs_no_answer(api, ihuyi, settings, sent, monkeypatch, capsys, raises):
    monkeypatch.setattr(logging, "raiseExceptions", raises)
    # So that each of the requests has something to log.
    settings.CACHES = {"default": {"BACKEND": "tests.support.broken_caches.ForgetfulCache"}}
    ihuyi(
        CHANNELS=failing(outcome="unknown"),
        CLIENT_LIMITS={"send": ["9/h"], "verify": ["9/h"]},
        WEBHOOK_SECRETS=[SECRET],
    )

    issued = api.send()
    verification_id, code = issued.json()["verification_id"], sent[-1].code
    guesses = [api.verify(verification_id, other_than(code)), api.verify(verification_id, code)]
    pushed = Platform().push("receipts", smsid="1")

    assert issued.status_code == 202
    assert [message.state for message in Message.objects.all()] == ["unknown"]
    assert [guess.status_code for guess in guesses] == [400, 200]
    assert pushed.status_code == 400
    assert ("No space left on device" in capsys.readouterr().err) == raises
