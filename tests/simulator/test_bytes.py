"""The simulator's answers are the platform's, byte for byte, on a real socket."""

import pytest

from tests.support.raw_sockets import PATH, exchange, write_post
from tests.support.simulator_calls import MOBILE, make_form


def write_answer(content_type, body):
    return (
        f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}; charset=utf-8\r\nContent-Length: {len(body.encode())}\r\n"
        f"Date: Tue, 14 Nov 2023 22:13:20 GMT\r\nConnection: keep-alive\r\n\r\n{body}"
    ).encode()


XML = '<?xml version="1.0" encoding="utf-8"?>\n'
ROOT = 'xmlns="http://106.ihuyi.com/">\n<code>'


@pytest.mark.parametrize(
    ("form", "target", "expected"),
    [
        pytest.param(
            {},
            PATH,
            (
                "text/xml",
                f"{XML}<SubmitResult {ROOT}401</code>\n<msg>帐号不能为空</msg>\n<smsid>0</smsid>\n</SubmitResult>\n",
            ),
            id="refused in XML",
        ),
        pytest.param(
            {"format": "json"},
            PATH,
            ("application/json", '{"code":401,"msg":"帐号不能为空","smsid":"0"}'),
            id="refused in JSON",
        ),
        pytest.param(
            {"account": "C00000001", "password": "0123456789abcdef0123456789abcdef"},
            PATH.replace("Submit", "GetNum"),
            (
                "text/xml",
                f"{XML}<GetNumResult {ROOT}2</code>\n<msg>查询成功</msg>\n<num>10000000</num>\n</GetNumResult>\n",
            ),
            id="balance in XML",
        ),
        pytest.param(
            {"account": "C00000001", "password": "0123456789abcdef0123456789abcdef"},
            "/sms/GetNum.json",
            ("application/json", '{"code":2,"msg":"查询成功","num":10000000}'),
            id="balance in JSON",
        ),
        pytest.param(
            {},
            "/webservice/sms.php?method=GetNum",
            (
                "text/xml",
                f"{XML}<GetNumResult {ROOT}401</code>\n<msg>帐号不能为空</msg>\n<num>0</num>\n</GetNumResult>\n",
            ),
            id="balance refused",
        ),
    ],
)
def test_a_refusal_matches_the_platform_byte_for_byte(server, form, target, expected):
    assert exchange(server, write_post(form, target=target)) == write_answer(*expected)


@pytest.mark.parametrize(("format_", "media_type"), [("xml", "text/xml"), ("json", "application/json")])
def test_a_success_matches_the_platform_byte_for_byte(server, simulator, format_, media_type):
    answer = exchange(server, write_post(make_form(format=format_)))

    smsid = simulator.messages(MOBILE)[0].smsid
    xml = f"{XML}<SubmitResult {ROOT}2</code>\n<msg>提交成功</msg>\n<smsid>{smsid}</smsid>\n</SubmitResult>\n"
    body = {"xml": xml, "json": f'{{"code":2,"msg":"提交成功","smsid":"{smsid}"}}'}[format_]
    assert answer == write_answer(media_type, body)
    assert (len(smsid), smsid[:10], smsid.isdigit()) == (20, "1700000000", True)
