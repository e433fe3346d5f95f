"""The pages below `/_simulator/`: their contents, and the clients that may see them."""

import json
import re

import pytest

from django_ihuyi.simulator import Simulator
from django_ihuyi.simulator.pages import PagesApp
from tests.support.simulator_calls import FORM_TYPE, KEY, MOBILE, NOON, NOTICE, TEXT, Caller, make_form, sign

PATHS = [
    "/",
    "/messages",
    "/threads",
    "/journal",
    "/accounts",
    "/blacklist",
    "/faults",
    "/pushes",
    "/static/phones.css",
]


def read(platform, path, **options):
    return json.loads(platform.request("GET", f"/_simulator{path}", **options)[2])


def test_messages_are_listed_newest_first_with_all_fields(platform, clock, simulator):
    platform.send()
    clock.pass_seconds(2.000001)
    platform.send(content="5678", templateid="1")
    platform.send(mobile="13900139000")

    newest, oldest = read(platform, "/messages", query=f"mobile={MOBILE}")
    assert oldest == {
        "mobile": MOBILE,
        "content": TEXT,
        "code": "1234",
        "smsid": simulator.messages(MOBILE)[1].smsid,
        "at": "2023-11-14T22:13:20.250000+00:00",
        "signature": "互亿无线",
        "product": "sms",
        "account": "C00000001",
        "templateid": "1",
        "parts": 1,
        "fate": "delivered",
    }
    assert newest["content"] == TEXT.replace("1234", "5678")
    assert newest["at"] == "2023-11-14T22:13:22.250001+00:00"
    assert [message["mobile"] for message in read(platform, "/messages")] == ["13900139000", MOBILE, MOBILE]


def test_a_phone_without_messages_has_an_empty_list(platform):
    assert read(platform, "/messages", query="mobile=13700137000") == []


def test_a_notice_has_no_code(platform):
    platform.send(content=NOTICE)

    assert read(platform, "/messages")[0]["code"] == ""


def test_the_journal_shows_every_request_and_counts_them_by_result(platform):
    platform.send()
    platform.send()
    platform.post({}, path="/sms/GetNum.json", query="")
    platform.post({}, path="/nowhere")

    journal = read(platform, "/journal")
    assert journal["codes"] == {"2": 1, "4080": 1, "401": 1, "null": 1}
    assert journal["total"] == 4
    assert [(entry["path"], entry["action"], entry["code"]) for entry in journal["requests"]] == [
        ("/nowhere", "", None),
        ("/sms/GetNum.json", "GetNum", 401),
        ("/webservice/sms.php", "Submit", 4080),
        ("/webservice/sms.php", "Submit", 2),
    ]
    assert len(read(platform, "/journal", query=f"mobile={MOBILE}")["requests"]) == 2


def test_no_page_shows_a_key_or_a_password(platform):
    signed = sign(make_form(), time=int(NOON))
    platform.submit(signed)
    platform.submit(make_form(account=KEY))
    platform.request("GET", "/webservice/sms.php", query=f"method=Submit&account={KEY}&password={KEY}")

    pages = b"".join(platform.request("GET", f"/_simulator{path}")[2] for path in PATHS)
    assert KEY.encode() not in pages
    assert signed["password"].encode() not in pages
    assert KEY not in repr(vars(platform.simulator))


def test_the_page_loads_nothing_from_other_hosts(platform):
    status, headers, body = platform.request("GET", "/_simulator/")

    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'; script-src 'self';" in headers["Content-Security-Policy"]
    links = set(re.findall(r'(?:src|href)="([^"]+)"', body.decode()))
    assert links == {"#", "messages", "static/phones.css", "static/phones.js", "static/icon.svg"}
    assert {platform.request("GET", f"/_simulator/{link}")[0] for link in links - {"#"}} == {200}


def test_the_pages_can_be_mounted_anywhere(simulator):
    pages = Caller(simulator)
    pages.app = PagesApp(simulator)

    assert pages.request("GET", "/messages", SCRIPT_NAME="/dev/phones")[2] == b"[]"
    assert pages.request("GET", "", SCRIPT_NAME="/dev/phones")[1]["Location"] == "/dev/phones/"


def test_a_reset_empties_the_phones_and_the_journal(platform):
    platform.send()
    platform.request("POST", "/_simulator/reset")

    assert read(platform, "/messages") == []
    assert read(platform, "/journal") == {"total": 0, "codes": {}, "requests": []}


@pytest.mark.parametrize("path", [*PATHS, "", "/nowhere"])
@pytest.mark.parametrize(
    "origin",
    [
        {"peer": "192.0.2.1"},
        {"peer": "::ffff:192.0.2.1"},
        {"peer": ""},
        {"HTTP_X_FORWARDED_FOR": "192.0.2.1"},
        {"HTTP_FORWARDED": "for=192.0.2.1"},
    ],
    ids=str,
)
def test_the_pages_do_not_exist_for_other_machines(platform, path, origin):
    assert platform.request("GET", f"/_simulator{path}", **origin)[0] == 404


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.1.2.3", "::1"])
def test_the_pages_exist_for_this_machine(platform, peer):
    assert platform.request("GET", "/_simulator/messages", peer=peer)[0] == 200


def test_remote_pages_exist_for_other_machines(make_platform):
    platform = make_platform(remote_pages=True)

    assert platform.request("GET", "/_simulator/messages", peer="192.0.2.1")[0] == 200


def test_a_foreign_web_page_cannot_use_a_switch(platform):
    platform.send()
    status = platform.request("POST", "/_simulator/reset", HTTP_SEC_FETCH_SITE="cross-site")[0]

    assert status == 404
    assert len(platform.simulator.messages()) == 1


def test_a_page_refuses_the_wrong_verb(platform):
    assert platform.request("GET", "/_simulator/reset")[0] == 405
    assert platform.request("POST", "/_simulator/messages", content_type=FORM_TYPE)[0] == 405


def test_messages_and_requests_beyond_keep_are_dropped():
    platform = Caller(Simulator(limits=False, keep=3))
    for number in range(5):
        platform.send(mobile=f"1380013800{number % 4}")

    assert [message.mobile[-1] for message in platform.simulator.messages()] == ["0", "3", "2"]
    assert len(platform.simulator.messages("13800138000")) == 1
    assert platform.simulator.messages("13800138001") == []
    assert len(platform.simulator.journal()) == 3
    assert platform.simulator.count_codes() == {2: 5}
