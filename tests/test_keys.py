"""Values that must never change: whatever was signed before an update is still good after it."""

import pytest
from django.test import RequestFactory

from django_ihuyi import codes, phones, proofs
from django_ihuyi.api.fingerprints import find_fingerprints
from django_ihuyi.guards.captchas.tickets import write_ticket
from django_ihuyi.keys import live_keys
from django_ihuyi.models import Recipient, Verification

PHONE = "+8613800138000"


@pytest.fixture(autouse=True)
def _keys(settings):
    settings.SECRET_KEY = "golden-key-0123456789-abcdefghijklmnopqrstuvwxyz"
    settings.SECRET_KEY_FALLBACKS = ["older-key-0123456789-abcdefghijklmnopqrstuvwxyz"]


@pytest.mark.parametrize(("purpose", "code"), [("login", "962865"), ("register", "43123690")])
def test_a_code_stays_the_same(purpose, code):
    derived = codes.derive(
        seed="00112233445566778899aabbccddeeff",
        key_id=codes.current_key_id(),
        verification_id="f" * 32,
        phone=PHONE,
        purpose=purpose,
        length=len(code),
    )

    assert (codes.current_key_id(), derived) == ("bc89c167", code)


def test_a_proof_stays_the_same():
    verification = Verification(id="0123456789abcdef" * 2, purpose="login", recipient=Recipient(phone=PHONE))

    assert proofs.make(verification) == "ASNFZ4mrze8BI0VniavN7zzagWd_mrBScqujdmtPCStuAq3fARUmGAm_IYCH8qO-"


def test_fingerprints_of_a_phone_stay_the_same():
    assert phones.fingerprints(PHONE) == ["f2fbf096c0429cffb4e48d56bc2f9e4d", "defa81075d797a8de5c955c91d1c3207"]


def test_a_captcha_ticket_stays_the_same():
    ticket = write_ticket("abc_DEF-1", kind="image", purpose="login", client="203.0.113.7", now=1_700_000_000.5)

    assert ticket == "1700000300.abc_DEF-1.3e7a1b1d8c1137ee95526dc77353140d14a80157ffc6eea8522d31279023fbb8"


def test_the_name_of_an_idempotency_key_stays_the_same():
    request = RequestFactory().post("/api/phone/send-code/")
    request.user = None

    assert find_fingerprints(request, "key-1", {"phone": "13800138000", "purpose": "login"}) == {
        "42ec80273dec165c9b05b408cd819e064c8a1f5e17301ee976e631aac77429f9": (
            "d9c442fe058444b72fd084826ede86ee02ed90ef2a8b8590c83c077d81949ffc"
        ),
        "1f06213a3a625b2ad41c936cc9f44c3f15faa9bd39076f16e37ed191ab8ec6d0": (
            "ce3a0a70d5b8c6f540e7ec24051687feb1048de9ab3d054614feab478637d885"
        ),
    }


def test_keys_of_two_labels_have_nothing_in_common():
    assert not set(live_keys(b"one")) & set(live_keys(b"two"))
