"""Sign, build and parse: the platform's language, without a wire."""

import json
from contextlib import suppress
from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_ihuyi.client.protocol import (
    Answer,
    build_form,
    parse_balance,
    parse_submit,
    sign,
)
from django_ihuyi.exceptions import InvalidAnswer

ACCOUNT, KEY, MOBILE, TIME = "C00000001", "0123456789abcdef0123456789abcdef", "13800138000", "1700000000"
CONTENT = "您的验证码是：1234。请不要把验证码泄露给其他人。"
SMSID = "16165686731585006595"


@pytest.mark.parametrize(
    ("content", "password"),
    [(CONTENT, "00be36938d2a19bf87b6ca4353680888"), ("1234", "ab08ebcad01c5ac12c63732ad500c199")],
    ids=["full text", "template"],
)
def test_the_dynamic_password_is_the_published_one(content, password):
    assert sign(account=ACCOUNT, api_key=KEY, mobile=MOBILE, content=content, time=TIME) == password


def test_the_dynamic_password_of_a_balance_is_the_published_one():
    assert sign(account=ACCOUNT, api_key=KEY, time=TIME) == "767f6563f12da0e2e3521700fec5a1ef"


def test_a_full_text_is_built_with_a_dynamic_password():
    form = build_form(account=ACCOUNT, api_key=KEY, mobile=MOBILE, content=CONTENT, time=TIME, format="json")

    assert form == {
        "account": ACCOUNT,
        "password": "00be36938d2a19bf87b6ca4353680888",
        "mobile": MOBILE,
        "content": CONTENT,
        "time": TIME,
        "format": "json",
    }


def test_a_template_is_built_with_its_variables_and_the_static_key():
    form = build_form(account=ACCOUNT, api_key=KEY, mobile=MOBILE, content="1234|5", template_id="7")

    assert form == {"account": ACCOUNT, "password": KEY, "mobile": MOBILE, "content": "1234|5", "templateid": "7"}


def test_a_balance_is_built():
    assert build_form(account=ACCOUNT, api_key=KEY, time=TIME, format="xml") == {
        "account": ACCOUNT,
        "password": "767f6563f12da0e2e3521700fec5a1ef",
        "time": TIME,
        "format": "xml",
    }
    assert build_form(account=ACCOUNT, api_key=KEY) == {"account": ACCOUNT, "password": KEY}


def xml(code, msg="提交成功", smsid=SMSID, blank="\n"):
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<SubmitResult xmlns="http://106.ihuyi.com/">{blank}'
        f"<code>{code}</code>{blank}<msg>{msg}</msg>{blank}<smsid>{smsid}</smsid>{blank}</SubmitResult>\n"
    ).encode()


ACCEPTED = Answer(code=2, text="提交成功", platform_id=SMSID)
READABLE = {
    "xml": ("xml", xml(2), ACCEPTED),
    "xml with other blanks": ("xml", b"\n  " + xml(2, blank="\r\n\t  ") + b" ", ACCEPTED),
    "xml on one line": ("xml", xml(2, blank=""), ACCEPTED),
    "xml with a byte order mark": ("xml", b"\xef\xbb\xbf" + xml(2), ACCEPTED),
    "xml without a namespace": ("xml", xml(2).replace(b' xmlns="http://106.ihuyi.com/"', b""), ACCEPTED),
    "xml refused": ("xml", xml(401, "帐号不能为空", "0"), Answer(code=401, text="帐号不能为空", platform_id="")),
    "xml with an empty element": ("xml", xml(405, "", ""), Answer(code=405, text="", platform_id="")),
    "json": ("json", f'{{"code":2,"msg":"提交成功","smsid":"{SMSID}"}}'.encode(), ACCEPTED),
    "json with the code as text": ("json", f'{{"code":"2","msg":"提交成功","smsid":"{SMSID}"}}'.encode(), ACCEPTED),
    "json refused": (
        "json",
        b'{"code":4085,"msg":"no","smsid":"0"}',
        Answer(code=4085, text="no", platform_id=""),
    ),
    # A refusal is one, whatever else is lacking.
    "json refused, no id": ("json", b'{"code":0}', Answer(code=0, text="", platform_id="")),
    "json unknown code": ("json", b'{"code":99999,"msg":"?"}', Answer(code=99999, text="?", platform_id="")),
    "json with more fields": (
        "json",
        b'{"code":0,"msg":"x","cost":0.05,"n":null}',
        Answer(code=0, text="x", platform_id=""),
    ),
}


@pytest.mark.parametrize(("format", "body", "expected"), READABLE.values(), ids=READABLE)
def test_an_answer_is_read(format, body, expected):
    assert parse_submit(body, format=format) == expected


@pytest.mark.parametrize("field", ["voiceid", "ismsid"])
def test_the_id_has_another_name_in_other_products(field):
    assert (
        parse_submit(json.dumps({"code": 2, field: "17"}).encode(), format="json", id_field=field).platform_id == "17"
    )


def json_code(code):
    return b'{"code":' + code + b',"msg":"x","smsid":"1616"}'


UNREADABLE_JSON = {
    "empty": b"",
    "a list": b"[]",
    "a number": b"2",
    "two documents": b'{"code":405}{"code":405}',
    "no code": b'{"msg":"x","smsid":"1"}',
    "not UTF-8": '{"code":2,"msg":"提交成功","smsid":"1"}'.encode("gbk"),
    "UTF-16": '{"code":2,"smsid":"1"}'.encode("utf-16"),
    "a comment": b'{"code":405 /* no */}',
    "the same key twice, deep": b'{"code":405,"more":{"a":1,"a":2}}',
    "msg a list": b'{"code":405,"msg":["x"]}',
    "id a number": b'{"code":2,"msg":"x","smsid":1616}',
    "id with a blank": b'{"code":2,"msg":"x","smsid":"16 16"}',
    "id with a line end": b'{"code":2,"msg":"x","smsid":"1616\\n"}',
    "id of 65 characters": json_code(b"2").replace(b"1616", b"1" * 65),
    "id in Chinese": '{"code":2,"smsid":"编号"}'.encode(),
    "deep lists": b'{"code":' + b"[" * 100_000,
    "deep objects": b'{"a":' * 20_000,
    **{f"code {code.decode()}": json_code(code) for code in (b"2.0", b"2e0", b"true", b"-2", b"-0.0", b"Infinity")},
    **{
        f"code {code.decode()}": json_code(code)
        for code in (b'"2 "', b'"02"', b'"+2"', b'"2.0"', b'""', b"1" + b"0" * 9)
    },
    "code in full-width digits": json_code('"２"'.encode()),
}


@pytest.mark.parametrize("body", UNREADABLE_JSON.values(), ids=UNREADABLE_JSON)
def test_json_that_is_not_the_platforms_is_refused(body):
    with pytest.raises(InvalidAnswer):
        parse_submit(body, format="json")


UNREADABLE_XML = {
    "empty": b"",
    "blanks": b" \n ",
    "another root": xml(2).replace(b"SubmitResult", b"GetNumResult"),
    "code twice": xml("405</code><code>2"),
    "code within code": xml("<code>2</code>"),
    "code 2.0": xml("2.0"),
    "code in full-width digits": xml("２"),
    "no code": xml(2).replace(b"<code>2</code>", b""),
    "accepted without an id": xml(2, smsid=""),
    "accepted with id 0": xml(2, smsid="0"),
    "no end": xml(2)[:-6],
    "GBK": xml(2).decode().replace("utf-8", "gbk").encode("gbk"),
    "an undeclared entity": xml("&two;"),
    "deep": b"<SubmitResult>" + b"<a>" * 20_000,
}


@pytest.mark.parametrize("body", UNREADABLE_XML.values(), ids=UNREADABLE_XML)
def test_xml_that_is_not_the_platforms_is_refused(body):
    with pytest.raises(InvalidAnswer):
        parse_submit(body, format="xml")


BOMB = (
    b'<!DOCTYPE b [<!ENTITY a "'
    + b"a" * 30_000
    + b'">]><SubmitResult><code>'
    + b"&a;" * 10_000
    + b"</code></SubmitResult>"
)
HOSTILE = {
    "entity bomb": ("xml", BOMB, 0.05),
    # Read to its end before it is refused: it takes a while, but cannot be longer than 64 KiB.
    "deep xml": ("xml", b"<a>" * 20_000, 0.5),
    "deep json": ("json", b"[" * 65_000, 0.05),
    "long digits": ("json", b'{"code":' + b"9" * 65_000 + b"}", 0.05),
}


@pytest.mark.parametrize(("format", "body", "seconds"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_answer_is_refused_at_once(format, body, seconds):
    def measure():
        started = thread_time()
        with pytest.raises(InvalidAnswer):
            parse_submit(body, format=format)
        return thread_time() - started

    # The best of three: a garbage collection, which takes longer, may fall into one.
    assert min(measure() for _ in range(3)) < seconds


def test_a_balance_is_read():
    body = '<?xml version="1.0"?>\n<GetNumResult xmlns="http://106.ihuyi.com/">\n<code>2</code>\n<msg>查询成功</msg>\n<num>7</num>\n</GetNumResult>'

    assert parse_balance(body.encode(), format="xml") == Answer(code=2, text="查询成功", units=7)
    assert parse_balance(b'{"code":2,"msg":"ok","num":7}', format="json").units == 7
    assert parse_balance(b'{"code":405,"msg":"no"}', format="json") == Answer(code=405, text="no", units=None)


@pytest.mark.parametrize("num", ["", ',"num":7.5', ',"num":true', ',"num":-1', ',"num":"x"', ',"num":null'])
def test_a_balance_without_a_number_is_refused(num):
    with pytest.raises(InvalidAnswer):
        parse_balance(b'{"code":2' + num.encode() + b"}", format="json")


# Near misses find more than noise does.
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=70),
    st.sampled_from(["2", "0", "02", 2, 2.0, "１", SMSID]),
)
FIELDS = st.dictionaries(st.sampled_from(["code", "msg", "smsid", "num", "x"]), SCALARS | st.lists(SCALARS, max_size=2))
JSON_BODIES = FIELDS.map(json.dumps).map(str.encode)
TAGS = [b"<code>", b"</code>", b"<smsid>", b"</smsid>", b"<!--", b"-->", b"<![CDATA[", b"]]>"]
FRAGMENTS = st.sampled_from([*TAGS, b"2", b"&#50;", b"&lt;", b"<", b"\0", b" "])
XML_BODIES = st.lists(FRAGMENTS | st.binary(max_size=4), max_size=12).map(
    lambda parts: b"<SubmitResult>" + b"".join(parts) + b"</SubmitResult>"
)


@pytest.mark.parametrize("format", ["json", "xml"])
@given(body=st.binary(max_size=300) | JSON_BODIES | XML_BODIES)
def test_parsers_raise_only_invalid_answer_for_any_body(format, body):
    for parse in (parse_submit, parse_balance):
        with suppress(InvalidAnswer):
            check(parse(body, format=format), is_submit=parse is parse_submit)


def check(answer, *, is_submit):
    assert type(answer.code) is int
    assert isinstance(answer.text, str)
    if is_submit:
        assert (answer.code == 2) == bool(answer.platform_id)
        assert len(answer.platform_id) <= 64
