"""F19: one number, however it is spelled, is one number: for the limits, and on the wire."""

import pytest

from django_ihuyi.models import Recipient
from tests.api.conftest import let_pass

NUMBER = "13800138000"

#: Spellings that fold into the number.
FOLDED = [
    NUMBER,
    "+8613800138000",
    "8613800138000",
    "008613800138000",
    "+86 138 0013 8000",
    "+86-138-0013-8000",
    "138-0013-8000",
    "  13800138000  ",
    "\t13800138000\r\n",
    "１３８００１３８０００",  # full-width digits
    "＋８６１３８００１３８０００",
    "138\u00a00013\u00a08000",  # NBSP, which NFKC makes a blank
]
#: Spellings that are refused, because what they name is not certain.
REFUSED = [
    "١٣٨٠٠١٣٨٠٠٠",  # Arabic-Indic digits
    "१३८००१३८०००",  # Devanagari digits
    "138\u200b00138000",  # ZWSP
    "\ufeff13800138000",  # BOM
    "\u202e13800138000",  # RTL override
    "138\t00138000",
    "138\n00138000",
    "13800138000\x00",
    "tel:13800138000",
    "13800138000;ext=1",
    "13800138000#1",
    "13800138000,13900139000",
    "13800138000|",
    "138%2C00138000",
    "+861380013800",
    "+1 13800138000",
    "013800138000",
    13800138000,
    13800138000.0,
    1.38e10,
    True,
    [NUMBER],
    {"phone": NUMBER},
    None,
    "1" * 1_000,
]


@pytest.mark.django_db
def test_one_number_written_in_many_ways_has_one_limit(api, sent, ihuyi, figure):
    """Two seconds lie between the requests, so that only the count of messages can stand in the way."""
    ihuyi(RESEND_INTERVAL=0, NUMBER_LIMITS={"messages": 5, "codes": 5})

    answers = []
    for spelling in FOLDED:
        answers.append(api.send(spelling))
        let_pass(seconds=2)
    refused = [api.send(spelling) for spelling in REFUSED]

    figure("F19", f"{len(sent)} messages for {len(FOLDED) + len(REFUSED)} spellings of one number, 5 allowed")
    assert [answer.status_code for answer in answers] == [202] * 5 + [429] * (len(FOLDED) - 5)
    assert [answer.status_code for answer in refused] == [400] * len(REFUSED)
    assert {text.phone for text in sent} == {f"+86{NUMBER}"}
    assert len(sent) == 5
    assert [recipient.phone for recipient in Recipient.objects.all()] == [f"+86{NUMBER}"]


@pytest.mark.django_db
def test_a_number_that_stands_twice_is_refused(api, sent):
    body = '{"phone": "13800138000", "phone": "13900139000", "purpose": "login"}'

    answers = [
        api.post("send-code/", body),
        api.post(
            "send-code/?phone=13900139000", "phone=13800138000&purpose=login", "application/x-www-form-urlencoded"
        ),
        api.post("send-code/?phone=13900139000&purpose=login", "{}"),
    ]

    assert [answer.status_code for answer in answers] == [400, 415, 400]
    assert sent == []
