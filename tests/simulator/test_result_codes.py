"""Every result code can be met: by the rule that the platform has, by a magic number, and by order."""

import json

import pytest

from django_ihuyi.simulator import Limits, Template
from django_ihuyi.simulator.results import TEXTS, magic_numbers
from tests.support.simulator_calls import MOBILE, NOON, NOTICE, TEXT, make_form, read_code, sign

GOOD = make_form()
MAGIC_NUMBERS = magic_numbers("199000")


def without(name):
    return {key: value for key, value in GOOD.items() if key != name}


@pytest.mark.parametrize(
    ("form", "code"),
    [
        pytest.param({}, 401, id="nothing at all"),
        pytest.param(without("account"), 401, id="no account"),
        pytest.param({**GOOD, "account": ""}, 401, id="empty account"),
        pytest.param(without("password"), 402, id="no password"),
        pytest.param(without("mobile"), 403, id="no number"),
        pytest.param(without("content"), 404, id="no content"),
        # 404 comes before 406, and what is missing before what is wrong.
        pytest.param({**GOOD, "mobile": "1", "content": ""}, 404, id="bad number and no content"),
        pytest.param({**GOOD, "account": "C2", "content": ""}, 404, id="wrong account and no content"),
        pytest.param({**GOOD, "account": "C00000002"}, 405, id="wrong account"),
        pytest.param({**GOOD, "password": "0" * 32}, 405, id="wrong key"),
        pytest.param({**GOOD, "password": "密码"}, 405, id="key that is not ASCII"),
        pytest.param({**GOOD, "mobile": "12800138000"}, 406, id="prefix that does not exist"),
        pytest.param({**GOOD, "mobile": "1380013800"}, 406, id="ten digits"),
        pytest.param({**GOOD, "mobile": "+8613800138000"}, 406, id="country code"),
        pytest.param({**GOOD, "mobile": "13800138000,13800138001"}, 406, id="two numbers"),
        pytest.param({**GOOD, "mobile": "13800138000\n"}, 406, id="line feed"),
        pytest.param({**GOOD, "mobile": "１３８00138000"}, 406, id="full-width digits"),
        pytest.param({**GOOD, "content": "您的订单赌博已发货，请注意查收。"}, 407, id="sensitive word"),
        pytest.param({**GOOD, "content": f"【互亿无线】{TEXT}"}, 4070, id="text brings its signature"),
        pytest.param({**GOOD, "sign": "【"}, 4070, id="malformed signature"),
        pytest.param({**GOOD, "sign": "别的公司"}, 4075, id="signature of somebody else"),
        pytest.param({**GOOD, "templateid": "99", "content": "1234"}, 4071, id="template that is not filed"),
        pytest.param({**GOOD, "content": "验证码1234"}, 4072, id="free text"),
        pytest.param({**GOOD, "content": TEXT.replace("：", ":")}, 4072, id="half-width colon"),
        pytest.param({**GOOD, "content": TEXT.replace("1234", "123")}, 4072, id="code of three digits"),
        pytest.param({**GOOD, "content": TEXT.replace("1234", "")}, 4072, id="empty variable"),
        pytest.param({**GOOD, "templateid": "1", "content": "1234|5"}, 4072, id="one variable too many"),
        pytest.param({**GOOD, "content": TEXT.replace("1234", "123456789")}, 40722, id="variable of nine"),
        pytest.param({**GOOD, "templateid": "1", "content": "123456789"}, 40722, id="the same by template id"),
        pytest.param({**GOOD, "content": NOTICE.replace("1234", "1" * 287)}, 4073, id="301 characters"),
        pytest.param({**GOOD, "content": NOTICE.replace("1234", "1" * 286)}, 40722, id="300 characters"),
        pytest.param({**GOOD, "content": NOTICE.replace("1234", "好😀")}, 4074, id="emoji"),
        pytest.param({**GOOD, "content": NOTICE.replace("1234", "☀\ufe0f")}, 4074, id="emoji by variation selector"),
        pytest.param({**GOOD, "content": NOTICE.replace("1234", "★※")}, 2, id="symbols that are no emoji"),
        pytest.param({**GOOD, "sign": "互亿无线"}, 2, id="own signature by parameter"),
        pytest.param({**GOOD, "templateid": "1", "content": "12345678"}, 2, id="code of eight digits"),
        pytest.param(GOOD, 2, id="good"),
    ],
)
def test_a_rule_refuses_its_case(platform, form, code):
    assert platform.submit(form) == code


@pytest.mark.parametrize(
    ("age", "code"),
    [(0, 2), (300, 2), (301, 40501), (-299, 2), (-301, 40501)],
)
def test_a_dynamic_password_lives_for_the_tolerance_in_both_directions(platform, age, code):
    form = sign(make_form(), time=int(NOON) - age)

    assert platform.submit(form) == code


@pytest.mark.parametrize(
    "changes",
    [{"password": "0" * 32}, {"mobile": "13800138001"}, {"content": TEXT.replace("1", "2")}, {"time": "1700000001"}],
    ids=lambda changes: next(iter(changes)),
)
def test_a_dynamic_password_fails_with_anything_else_than_what_was_signed(platform, changes):
    assert platform.submit({**sign(make_form(), time=int(NOON)), **changes}) == 40502


@pytest.mark.parametrize("time", ["", "0", "170000000", "17000000001", "１７00000000", "abcdefghij"])
def test_without_a_time_of_ten_digits_the_password_is_the_key(platform, time):
    assert platform.submit({**make_form(), "time": time}) == 2


@pytest.mark.parametrize(
    ("content", "template", "password"),
    [
        pytest.param(TEXT, "", "00be36938d2a19bf87b6ca4353680888", id="text"),
        pytest.param("1234", "1", "ab08ebcad01c5ac12c63732ad500c199", id="template"),
    ],
)
def test_the_published_vectors_are_accepted(platform, content, template, password):
    form = make_form(content=content, templateid=template, time="1700000000")

    assert platform.submit({**form, "password": password}) == 2


def test_the_published_vector_of_the_balance_is_accepted(platform):
    form = {"account": "C00000001", "time": "1700000000", "password": "767f6563f12da0e2e3521700fec5a1ef"}

    assert read_code(platform.post({**form, "format": "json"}, query="method=GetNum")) == 2


@pytest.mark.parametrize(
    ("account", "code"),
    [
        pytest.param({"blocked_addresses": ["127.0.0.1"]}, 400, id="blocked address"),
        pytest.param({"addresses": ("192.0.2.1",)}, 4052, id="address that is not filed"),
        pytest.param({"addresses": ("127.0.0.1",)}, 2, id="address that is filed"),
        pytest.param({"is_frozen": True}, 4050, id="frozen"),
        pytest.param({"balance": 0}, 4051, id="nothing left"),
    ],
)
@pytest.mark.parametrize("query", ["method=Submit", "method=GetNum"])
def test_an_accounts_state_refuses(make_platform, account, code, query):
    expected = 2 if code == 4051 and query == "method=GetNum" else code

    assert make_platform(**account).submit(make_form(), query=query) == expected


@pytest.mark.parametrize(
    ("limits", "content", "code"),
    [
        pytest.param({"per_second": 1}, TEXT, 4080, id="second"),
        pytest.param({"per_day": 1}, NOTICE, 4082, id="day"),
        pytest.param({"codes_per_day": 1}, TEXT, 4085, id="codes"),
        pytest.param({"blacklist_after": 1}, TEXT, 408, id="black list"),
    ],
)
def test_each_limit_alone_refuses_the_second_message(make_platform, limits, content, code):
    off = {"per_second": None, "per_day": None, "codes_per_day": None, "blacklist_after": None}
    platform = make_platform(limits_of_account=Limits(**{**off, **limits}))

    assert [platform.send(content=content), platform.send(content=content)] == [2, code]


@pytest.mark.parametrize(("mobile", "code"), MAGIC_NUMBERS.items(), ids=str)
def test_a_magic_number_is_answered_with_its_code_every_time(platform, mobile, code):
    answers = [platform.send(mobile=mobile) for _ in range(2)]

    assert answers == [code, code]
    assert platform.simulator.messages() == []


def test_every_code_but_success_has_a_magic_number():
    assert sorted([2, *MAGIC_NUMBERS.values()]) == sorted(TEXTS)
    assert MAGIC_NUMBERS["19900040722"] == 40722


def order(platform, data):
    body = json.dumps(data).encode()
    return platform.request("POST", "/_simulator/answers", content_type="application/json", body=body)[0]


@pytest.mark.parametrize("code", [*sorted(set(TEXTS) - {2}), 99_999])
@pytest.mark.parametrize("query", ["method=Submit", "method=GetNum"])
def test_every_code_can_be_forced_also_an_unknown_one(platform, code, query):
    assert order(platform, {"code": code}) == 200

    assert platform.submit(make_form(), query=query) == code


def test_a_forced_answer_is_for_its_number_and_its_times(platform):
    order(platform, {"code": 4051, "mobile": MOBILE, "times": 2})

    codes = [platform.send(), platform.send(mobile="13900139000"), platform.send(), platform.send()]

    assert codes == [4051, 2, 4051, 2]


def test_a_forced_answer_ends_with_null(platform):
    order(platform, {"code": 0})
    order(platform, {"code": None})

    assert platform.send() == 2


def test_a_forced_answer_may_have_its_own_text(platform):
    order(platform, {"code": 9999, "text": "<&>", "times": 2})

    assert b"<msg>&lt;&amp;&gt;</msg>" in platform.post(make_form())
    assert platform.post(make_form(format="json")) == b'{"code":9999,"msg":"<&>","smsid":"0"}'


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"code": 2},
        {"code": 2.0},
        {"code": True},
        {"code": -1},
        {"code": 100000},
        {"code": "405"},
        {"code": 0, "times": 0},
        {"code": 0, "mobile": 1},
        {"code": 0, "text": "\ud800"},
        {"code": 0, "text": "\n"},
    ],
    ids=repr,
)
def test_an_invalid_order_is_refused(platform, data):
    assert order(platform, data) == 400
    assert platform.send() == 2


def test_numbers_in_the_text_are_the_accounts_limits(make_platform):
    platform = make_platform(variable_length=12, limits_of_account=Limits(per_day=7))

    assert "【12】".encode() in platform.post(make_form(mobile="19900040722"))
    assert "【7】".encode() in platform.post(make_form(mobile="19900004082"))


def test_an_own_template_is_accepted_with_all_its_variables(make_platform):
    template = Template(id="7", text="【变量】您好，验证码【变量】，【变量】分钟内有效。")
    platform = make_platform(templates=(template,), limits=False)

    assert platform.send(content="张三您好，验证码0042，5分钟内有效。") == 2
    assert platform.send(content="张三|0042|5", templateid="7") == 2
    assert platform.send(content="张三|00|5", templateid="7") == 4072

    messages = platform.simulator.messages()
    assert {message.content for message in messages} == {"张三您好，验证码0042，5分钟内有效。"}
    assert {message.code for message in messages} == {"0042"}
