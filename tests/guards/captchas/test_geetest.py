"""GeeTest as the captcha: what is asked of its service, and what becomes of whatever that answers."""

import contextlib
import hmac
import json
import time
from urllib.parse import parse_qs

import pytest

from django_ihuyi.client.geetest import GeetestClient, Validation
from django_ihuyi.exceptions import CaptchaFailed, CaptchaRequired, SendingUnavailable
from django_ihuyi.guards.captchas import get_captcha
from tests.support.misbehaving_servers import Server, answer, closes, drips, says, says_and_waits, tls_server
from tests.support.riddle_captcha import GUARD
from tests.support.use_cases import send

CLIENT = "192.0.2.7"
KEY = "b09a7aafbfd83f73b35a9b530d0337bf"
ID = "647f5ed2ed8acb4be36784e01556bb71"
#: What the captcha gives to a page, in the shape of GeeTest's documentation.
LOT = "4dc3cfc2cdff448cad8d13107198d473"
SIGNATURE = "c99f3aa68104bdcd085f372dc6556a17a5a830a1a3d25125fb0010466977f3d8"
SOLVED = {"lot_number": LOT, "captcha_output": "b3V0cHV0_-==", "pass_token": "c0ffee", "gen_time": "1760000000"}
SUCCESS = {"status": "success", "result": "success", "reason": "", "captcha_args": {"lot_number": LOT}}
FAIL = {"status": "success", "result": "fail", "reason": "pass_token expire", "captcha_args": {}}
ERROR = {"status": "error", "code": "-50005", "msg": "illegal gen_time", "desc": {"type": "defined error"}}


def json_of(value, **rest):
    return answer(json.dumps(value).encode(), **rest)


@pytest.fixture
def geetest(geetest_authority):
    """Start an imitation that behaves as it is told; yields its starter."""
    servers = []

    def start(behave):
        certificate = geetest_authority.issue_cert("localhost")
        servers.append(Server(behave, tls=tls_server(certificate)))
        return servers[-1]

    yield start
    for server in servers:
        server.__exit__()


@pytest.fixture
def make_client(geetest_roots):
    """Make a client of an imitation."""
    clients = []

    def make(server, **options):
        options = {"url": server.url("/validate", host="localhost"), "verify": geetest_roots, "timeout": 0.8, **options}
        clients.append(GeetestClient(captcha_id=ID, captcha_key=KEY, **options))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def test_a_solution_is_validated_by_one_signed_post(geetest, make_client):
    server = geetest(says(json_of(SUCCESS)))

    assert make_client(server).validate(SOLVED) == Validation(is_solved=True)

    [request] = server.requests
    head, _, body = request.decode().partition("\r\n\r\n")
    form = {name: texts[0] for name, texts in parse_qs(body, strict_parsing=True).items()}
    assert head.splitlines()[0] == f"POST /validate?captcha_id={ID} HTTP/1.1"
    assert "Content-Type: application/x-www-form-urlencoded" in head
    assert form == {**SOLVED, "sign_token": hmac.new(KEY.encode(), LOT.encode(), "sha256").hexdigest()}
    assert KEY not in request.decode()


def test_the_signature_is_the_one_of_the_documentation(geetest, make_client):
    """Computed of the documentation's sample key and number, by `openssl dgst -sha256 -hmac`."""
    server = geetest(says(json_of(SUCCESS)))
    make_client(server).validate(SOLVED)

    assert f"sign_token={SIGNATURE}&".encode() in server.requests[0] + b"&"


@pytest.mark.parametrize(
    ("said", "validation"),
    [
        (SUCCESS, Validation(is_solved=True)),
        ({"result": "success", "reason": ""}, Validation(is_solved=True)),
        (FAIL, Validation(is_solved=False)),
        # About somebody else's puzzle.
        ({**SUCCESS, "captcha_args": {"lot_number": "0" * 32}}, Validation(is_solved=False)),
        (ERROR, Validation(is_solved=False, trouble="GeeTest refuses the request with its error -50005")),
    ],
    ids=["success", "short success", "fail", "another", "error"],
)
def test_the_answer_of_geetest_decides(geetest, make_client, said, validation):
    assert make_client(geetest(says(json_of(said)))).validate(SOLVED) == validation


NONSENSE = "GeeTest's answer is not what it documents"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"success",
        b"true",
        b"[]",
        b'"success"',
        b'{"result": true}',
        b'{"result": "SUCCESS"}',
        b'{"result": ["success"]}',
        b'{"status": "success"}',
        b'{"status": "error", "code": "<script>"}',
        b"<html>",
        b"\xff\xfe",
        b"[" * 20_000,
    ],
)
def test_nonsense_is_trouble_and_never_a_success(geetest, make_client, body):
    said = make_client(geetest(says(answer(body)))).validate(SOLVED)

    assert said == Validation(is_solved=False, trouble=NONSENSE)


@pytest.mark.parametrize(
    ("behave", "trouble"),
    [
        (says(json_of(SUCCESS, status="500 Internal Server Error")), "other than 200"),
        (says(json_of(SUCCESS, status="302 Found", headers=["Location: https://localhost/"])), "redirects"),
        (says_and_waits(b""), "in time"),
        (says_and_waits(json_of(SUCCESS)[:-5]), "in time"),
        (drips(json_of(SUCCESS)), "in time"),
        (closes, "connection broke"),
        (says(answer(b" " * 70_000)), "larger"),
    ],
    ids=["500", "redirect", "silence", "half an answer", "drips", "closes", "too much"],
)
def test_a_service_that_is_ill_is_trouble_within_the_deadline(geetest, make_client, behave, trouble):
    client = make_client(geetest(behave))

    said = client.validate(SOLVED)

    # A service that hangs is told from one that hangs up, which these do after 20 seconds: the deadline was kept.
    assert not said.is_solved
    assert trouble in said.trouble


@pytest.mark.proof
@pytest.mark.timed
@pytest.mark.parametrize("behave", [says_and_waits(b""), drips(json_of(SUCCESS))], ids=["silence", "drips"])
def test_a_service_that_hangs_is_waited_for_until_the_deadline(geetest, make_client, behave):
    client = make_client(geetest(behave))

    begun = time.monotonic()
    client.validate(SOLVED)

    assert time.monotonic() - begun < 3


def test_a_service_that_is_not_there_is_trouble(geetest, make_client):
    server = geetest(closes)
    client = make_client(server)
    server.__exit__()

    assert "refused" in client.validate(SOLVED).trouble


def test_a_service_with_a_strange_certificate_is_trouble(geetest, make_client):
    client = make_client(geetest(says(json_of(SUCCESS))), verify=True)

    assert "certificate" in client.validate(SOLVED).trouble


@pytest.mark.parametrize(
    "change",
    [
        *({name: ""} for name in SOLVED),
        {"gen_time": "soon"},
        {"gen_time": "-5"},
        {"gen_time": "１７６"},
        {"lot_number": "ä"},
        {"pass_token": "a\nb"},
    ],
)
def test_a_malformed_answer_is_refused_without_a_request(geetest, make_client, change):
    server = geetest(says(json_of(SUCCESS)))
    client = make_client(server)

    assert client.validate({**SOLVED, **change}) == Validation(is_solved=False)
    assert client.validate({name: SOLVED[name] for name in SOLVED if name not in change}) == Validation(is_solved=False)
    assert server.connections == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"captcha_id": ""}, "captcha_id"),
        ({"captcha_key": ""}, "captcha_key"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": 3.1}, "timeout"),
        ({"verify": False}, "certificates"),
        ({"verify": "/no/such/file"}, "certificates"),
        *(
            ({"url": url}, "url must be like")
            for url in (
                "http://gcaptcha4.geetest.com/validate",
                "https://me:secret@gcaptcha4.geetest.com/validate",
                "https://gcaptcha4.geetest.com/validate?a=b",
                "https://gcaptcha4.geetest.com/validate#",
                "https://gcaptcha4.geetest.com:port/validate",
                "https://",
                "gcaptcha4.geetest.com",
            )
        ),
    ],
)
def test_what_cannot_work_is_refused_with_a_reason(options, words):
    with pytest.raises(ValueError, match=words):
        GeetestClient(**{"captcha_id": ID, "captcha_key": KEY, **options})


# As the captcha of a site


@pytest.fixture
def site(geetest, geetest_roots, configure, outbox, db):
    """A site whose captcha is an imitation that behaves as it is told."""

    def start(behave, **options):
        server = geetest(behave)
        own = {"url": server.url("/validate", host="localhost"), "verify": geetest_roots, "timeout": 0.8, **options}
        chosen = {"captcha_id": ID, "captcha_key": KEY, **own}
        configure(GUARDS=[GUARD], CAPTCHA={"BACKEND": "geetest", "OPTIONS": chosen})
        return server

    yield start
    get_captcha().client.close()


def shown():
    with pytest.raises(CaptchaRequired) as refusal:
        send(client=CLIENT)
    return refusal.value.challenge


def test_a_client_is_told_which_puzzle_to_show(site):
    site(closes)

    challenge = shown()

    assert set(challenge) == {"kind", "challenge_id", "expires_in", "captcha_id"}
    assert (challenge["kind"], challenge["captcha_id"]) == ("geetest", ID)


def test_a_solved_puzzle_brings_a_code(site, outbox):
    site(says(json_of(SUCCESS)))

    send(client=CLIENT, captcha={**SOLVED, "challenge_id": shown()["challenge_id"]})

    assert len(outbox) == 1


def test_an_unsolved_puzzle_brings_no_code(site, outbox):
    site(says(json_of(FAIL)))

    with pytest.raises(CaptchaFailed):
        send(client=CLIENT, captcha={**SOLVED, "challenge_id": shown()["challenge_id"]})

    assert outbox == []


def test_one_puzzle_is_good_for_one_message_whatever_geetest_says(site, outbox):
    server = site(says(json_of(SUCCESS)))
    answers = [{**SOLVED, "challenge_id": shown()["challenge_id"]} for _ in range(5)]

    for number, captcha in enumerate(answers):
        with contextlib.suppress(CaptchaFailed):
            send(f"+8613912345{number:03}", client=CLIENT, captcha=captcha)

    assert len(outbox) == 1
    assert len(server.requests) == 1


@pytest.mark.proof
@pytest.mark.timed
def test_a_service_that_hangs_refuses_the_send_within_three_seconds(site, outbox, caplog):
    site(says_and_waits(b""), timeout=3.0)
    captcha = {**SOLVED, "challenge_id": shown()["challenge_id"]}

    begun = time.monotonic()
    with pytest.raises(SendingUnavailable):
        send(client=CLIENT, captcha=captcha)

    # The captcha's three seconds, and some for a machine that is busy with other tests.
    assert 2.5 < time.monotonic() - begun < 4.5
    assert outbox == []
    assert caplog.messages == ["the captcha 'geetest' is down, so nothing is sent: no whole answer in time"]


def test_the_key_is_in_no_repr(site):
    site(closes)

    assert KEY not in repr(get_captcha()) + repr(get_captcha().client)
