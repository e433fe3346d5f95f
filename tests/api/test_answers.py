"""What a caller is told when all goes well, and when a guess or a send does not."""

from datetime import datetime, timedelta, timezone
from uuid import UUID

import pytest

from tests.api.conftest import NOBODYS_ID, let_pass

pytestmark = pytest.mark.django_db


def problem(status, title, code, detail, **members):
    return {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code, **members}


def wrong(code):
    return f"{(int(code) + 1) % 1_000_000:06d}"


def test_a_phone_is_verified(api, sent):
    issued = api.send()
    pending = api.status(issued.json()["verification_id"])
    verified = api.verify(issued.json()["verification_id"], sent[0].code)
    after = api.status(issued.json()["verification_id"])

    now = datetime.now(timezone.utc)
    body = issued.json()
    assert issued.status_code == 202
    assert body == {
        "verification_id": body["verification_id"],
        "phone": "138****8000",
        "purpose": "login",
        "channel": "sms",
        "code_length": 6,
        "expires_at": body["expires_at"],
        "expires_in": 300,
        "resend_at": body["resend_at"],
        "resend_in": 60,
    }
    assert abs(datetime.fromisoformat(body["expires_at"].replace("Z", "+00:00")) - now) < timedelta(minutes=6)
    assert len(body["verification_id"]) == 32
    assert body["resend_at"].endswith("Z")

    assert pending.json() == {
        "state": "pending",
        "delivery": "pending",
        "phone": "138****8000",
        "purpose": "login",
        "expires_in": pytest.approx(300, abs=2),
        "resend_in": pytest.approx(60, abs=2),
        "attempts_left": 5,
    }

    assert verified.status_code == 200
    assert verified.json() == {
        "proof": verified.json()["proof"],
        "phone": "+8613800138000",
        "purpose": "login",
        "expires_in": 600,
    }
    assert len(verified.json()["proof"]) == 64
    assert after.json() == {**pending.json(), "state": "verified", "expires_in": 0, "attempts_left": 4}


def test_a_resend_names_its_verification_and_repeats_its_code(api, sent):
    first = api.send().json()["verification_id"]
    let_pass(seconds=61)

    second = api.send(members={"verification_id": first})

    assert (second.status_code, second.json()["verification_id"]) == (202, first)
    assert sent[0] == sent[1]


def test_a_second_message_at_once_is_refused_and_leaves_the_code_alive(api, sent):
    first = api.send().json()["verification_id"]

    refused = api.send(members={"verification_id": first})

    detail = "A message was sent only just now. Wait before the next one."
    wait = pytest.approx(60, abs=1)
    assert refused.json() == problem(429, "Too many requests", "resend_too_soon", detail, retry_after=wait)
    assert api.verify(first, sent[0].code).status_code == 200


def test_a_wrong_guess_says_how_many_are_left_until_none_is(api, sent):
    issued = api.send().json()["verification_id"]

    answers = [api.verify(issued, wrong(sent[0].code)).json() for _ in range(6)]

    assert answers == [
        problem(400, "Bad request", "code_wrong", "The code is wrong. Check it and try again.", attempts_left=left)
        for left in (4, 3, 2, 1, 0)
    ] + [problem(400, "Bad request", "attempts_exhausted", "Too many wrong codes. Ask for a new one.")]
    assert api.status(issued).json()["state"] == "exhausted"


def test_an_unknown_id_and_a_used_one_get_the_same_answer(api, sent):
    issued = api.send().json()["verification_id"]
    api.verify(issued, sent[0].code)

    used, unknown = api.verify(issued, sent[0].code), api.verify(NOBODYS_ID, "123456")

    expired = problem(400, "Bad request", "code_expired", "The code is no longer valid. Ask for a new one.")
    assert (used.status_code, used.json()) == (unknown.status_code, unknown.json()) == (400, expired)
    assert used.headers.keys() == unknown.headers.keys()


@pytest.mark.parametrize("spelling", [NOBODYS_ID, "x", "%00", "{" + NOBODYS_ID + "}", "urn:uuid:" + NOBODYS_ID])
def test_the_status_of_an_unknown_id_is_not_found(api, spelling):
    assert api.status(spelling).json() == problem(404, "Not found", "not_found", "There is no such verification.")


def test_a_header_may_name_the_verification_in_place_of_the_path(api):
    issued = api.send().json()["verification_id"]

    by_path = api.status(issued)
    by_header = [
        api.check(api.client.get("/api/phone/verifications/", HTTP_VERIFICATION_ID=spelling))
        for spelling in (issued, issued.upper(), str(UUID(issued)))
    ]

    assert [answer.status_code for answer in by_header] == [200] * 3
    assert [answer.json() for answer in by_header] == [by_path.json()] * 3
    assert [dict(answer.items()) for answer in by_header] == [dict(by_path.items())] * 3


@pytest.mark.parametrize(
    "headers", [{}, *({"HTTP_VERIFICATION_ID": text} for text in ("", "x", NOBODYS_ID, "\0", "é"))]
)
def test_a_header_without_a_known_id_is_not_found(api, headers):
    answer = api.check(api.client.get("/api/phone/verifications/", **headers))

    assert answer.json() == problem(404, "Not found", "not_found", "There is no such verification.")


def test_ids_may_be_written_as_uuids_and_codes_as_people_type_them(api, sent):
    issued = api.send().json()["verification_id"]
    hyphened = f"{issued[:8]}-{issued[8:12]}-{issued[12:16]}-{issued[16:20]}-{issued[20:]}".upper()
    full_width = "".join(chr(ord(digit) + 0xFEE0) for digit in sent[0].code)

    verified = api.verify(hyphened, f" {full_width[:3]} {full_width[3:]} ")

    assert verified.status_code == 200


@pytest.mark.parametrize(
    ("options", "status", "title", "code", "detail"),
    [
        ({"outcome": "unsent"}, 503, "Service unavailable", "sending_unavailable",
         "No messages can be sent at the moment. Try again later."),
        ({"outcome": "refused", "result_code": 4072}, 503, "Service unavailable", "sending_unavailable",
         "No messages can be sent at the moment. Try again later."),
        ({"outcome": "refused", "result_code": 406}, 400, "Bad request", "number_refused",
         "No message can be sent to this number. Check it."),
        ({"outcome": "refused", "result_code": 4085}, 429, "Too many requests", "number_limit",
         "Too many messages to this number. Try again later."),
        ({"outcome": "refused", "result_code": 4080}, 429, "Too many requests", "resend_too_soon",
         "A message was sent only just now. Wait before the next one."),
    ],
    ids=["unreachable", "refuses us", "refuses the number", "number is full", "too fast"],
)  # fmt: skip
def test_the_public_is_told_what_to_do_and_not_why(api, ihuyi, options, status, title, code, detail):
    ihuyi(CHANNELS={"sms": {"BACKEND": "django_ihuyi.backends.locmem.LocmemBackend", "OPTIONS": options}})

    refused = api.send()

    later = {"retry_after": refused.json()["retry_after"]} if status != 400 else {}
    assert refused.json() == problem(status, title, code, detail, **later)


def test_a_message_that_may_have_left_is_answered_as_one_that_did(api, ihuyi):
    ihuyi(
        CHANNELS={"sms": {"BACKEND": "django_ihuyi.backends.locmem.LocmemBackend", "OPTIONS": {"outcome": "unknown"}}}
    )

    assert api.send().status_code == 202


def test_a_number_at_its_limit_says_when_to_come_back(api, ihuyi):
    ihuyi(NUMBER_LIMITS={"messages": 1, "codes": 1}, RESEND_INTERVAL=0)
    api.send()

    refused = api.send(purpose="register").json()

    assert (refused["code"], refused["retry_after"]) == ("number_limit", pytest.approx(86_400, abs=2))


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "options", "trace"])
def test_other_methods_are_refused(api, method):
    refused = api.check(getattr(api.client, method)("/api/phone/send-code/"))

    assert (refused.status_code, refused.json()["code"], refused["Allow"]) == (405, "method_not_allowed", "POST")


def test_answers_are_json_for_every_accept_header(api):
    asked = [api.send(purpose="none", HTTP_ACCEPT=accept) for accept in ("text/html", "image/png", "x", "*/*;q=0")]

    assert {answer.json()["code"] for answer in asked} == {"invalid"}


def test_unknown_fields_are_ignored(api, sent):
    api.send(members={"content": "buy gold", "template": "9", "mobile[]": "1", "to": "1", "attempts": -9, "state": "x"})

    [text] = sent
    assert (text.phone, text.content) == ("+8613800138000", f"您的验证码是：{text.code}。请不要把验证码泄露给其他人。")
