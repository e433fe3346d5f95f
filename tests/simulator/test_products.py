"""Every product has its own addresses, accounts, numbers, ids and rules."""

import json

import pytest

from django_ihuyi.simulator import Simulator
from django_ihuyi.simulator.accounts import TRIAL_ACCOUNTS
from django_ihuyi.simulator.products import PRODUCTS
from django_ihuyi.simulator.results import TEXTS, magic_numbers
from tests.support.simulator_calls import NOTICE, TEXT, Caller
from tests.support.valid_submits import ABROAD, AD, GOODS, VERSION_2, make_good

NUMBERS = {product.name: magic_numbers(product.magic_prefix) for product in PRODUCTS}
MAGIC = [(product, mobile, code) for product, numbers in NUMBERS.items() for mobile, code in numbers.items()]


def submit(platform, product, *, host=None, query="method=Submit", **changes):
    own_host, path, *_ = GOODS[product]
    answer = platform.post(make_good(product, **changes), path=path, query=query, HTTP_HOST=host or own_host)
    return json.loads(answer)


@pytest.mark.parametrize("product", GOODS)
def test_a_good_message_is_answered_with_the_products_own_id(platform, product):
    answer = submit(platform, product)

    message = platform.simulator.messages()[0]
    assert answer == {"code": 2, "msg": "提交成功", GOODS[product][-1]: message.smsid}
    assert (message.product, message.account) == (product, GOODS[product][2])


@pytest.mark.parametrize("product", GOODS)
def test_a_refusal_has_the_products_own_id_field_too(platform, product):
    assert submit(platform, product, account="") == {"code": 401, "msg": "帐号不能为空", GOODS[product][-1]: "0"}


@pytest.mark.parametrize(("product", "folder"), VERSION_2.items(), ids=VERSION_2)
def test_version_2_is_the_same_product_at_one_host(platform, product, folder):
    form = make_good(product)
    answer = json.loads(platform.post(form, path=f"{folder}/Submit.json", query="", HTTP_HOST="api.ihuyi.com"))
    balance = json.loads(platform.post(form, path=f"{folder}/GetNum.json", query="", HTTP_HOST="api.ihuyi.com"))

    assert (answer["code"], set(answer)) == (2, {"code", "msg", GOODS[product][-1]})
    assert balance == {"code": 2, "msg": "查询成功", "num": 9_999_999}


@pytest.mark.parametrize("product", GOODS)
def test_every_product_has_a_balance_of_its_own(platform, product):
    submit(platform, product)

    left = {name: submit(platform, name, query="method=GetNum")["num"] for name in GOODS}
    assert left == {name: 9_999_999 if name == product else 10_000_000 for name in GOODS}


@pytest.mark.parametrize("product", GOODS)
@pytest.mark.parametrize("host", ["127.0.0.1:8106", "localhost", "simulator.invalid", ""])
def test_the_account_selects_the_product_if_the_host_does_not(platform, product, host):
    assert GOODS[product][-1] in submit(platform, product, host=host)
    assert platform.simulator.messages()[0].product == product


def test_an_account_of_another_product_than_the_hosts_is_unknown(platform):
    assert submit(platform, "marketing", host="106.ihuyi.com")["code"] == 405


@pytest.mark.parametrize(("product", "mobile", "code"), MAGIC, ids=[f"{product} {code}" for product, _, code in MAGIC])
def test_every_product_answers_magic_numbers_with_their_codes(platform, product, mobile, code):
    answer = submit(platform, product, mobile=mobile)

    assert (answer["code"], answer[GOODS[product][-1]]) == (code, "0")
    assert platform.simulator.messages() == []


@pytest.mark.parametrize("product", GOODS)
@pytest.mark.parametrize("code", sorted(set(TEXTS) - {2}))
def test_every_result_code_can_be_forced_on_every_product(platform, product, code):
    platform.simulator.force(code)

    assert submit(platform, product)["code"] == code


@pytest.mark.parametrize("product", [name for name in GOODS if name != "international"])
@pytest.mark.parametrize("mobile", [ABROAD, "8613800138000", "13800138000 "])
def test_the_domestic_products_take_no_number_from_abroad(platform, product, mobile):
    assert submit(platform, product, mobile=mobile)["code"] == 406


@pytest.mark.parametrize(
    ("mobile", "code"),
    [
        ("44 7911123456", 2),
        ("1 2015550123", 2),
        ("86 13800138000", 2),
        ("447911123456", 406),
        ("+44 7911123456", 406),
        ("44  7911123456", 406),
        ("0044 7911123456", 406),
        ("44 7911 123456", 406),
        ("13800138000", 406),
    ],
)
def test_an_international_number_is_country_code_blank_number(platform, mobile, code):
    assert submit(platform, "international", mobile=mobile)["code"] == code


def test_a_call_says_the_code_digit_by_digit(platform):
    submit(platform, "voice_code", content="0482")

    message = platform.simulator.messages()[0]
    assert message.content == "您的验证码是：0，4，8，2。请不要把验证码告诉其他人。"
    assert (message.code, message.signature, message.parts) == ("0482", "", 1)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("1234", 2),
        ("12345678", 2),
        ("123", 4072),
        ("123456789", 40722),
        (TEXT, 4072),
        ("12a4", 4072),
        ("１２３４", 4072),
    ],
)
def test_a_voice_code_is_four_to_eight_digits_and_nothing_else(platform, content, code):
    assert submit(platform, "voice_code", content=content)["code"] == code


def test_a_voice_notice_has_its_template_by_default(platform):
    assert submit(platform, "voice_notice", content="0648|顺丰快递", templateid="1361")["code"] == 2
    assert platform.simulator.messages()[0].content == GOODS["voice_notice"][4]


def test_a_day_is_counted_for_each_product(platform, clock):
    platform.simulator.customers.set_blacklisted("13800138000", listed=True, account="C00000001")

    codes = {product: submit(platform, product)["code"] for product in GOODS}
    assert codes == {**dict.fromkeys(GOODS, 2), "sms": 4030}


def test_an_advertisement_goes_to_all_numbers_of_a_list_under_one_id(platform):
    answer = submit(platform, "marketing", mobile="13800138000,13900139000,13800138000")

    messages = platform.simulator.messages()
    assert {(message.mobile, message.smsid) for message in messages} == {
        ("13800138000", answer["smsid"]),
        ("13900139000", answer["smsid"]),
    }
    assert submit(platform, "marketing", query="method=GetNum")["num"] == 10_000_000 - 2


@pytest.mark.parametrize(
    ("mobile", "code"),
    [
        ("13800138000,", 406),
        ("13800138000,12345678901", 406),
        ("13800138000 13900139000", 406),
        ("13800138000,19900004082", 4082),
        ("13800138000，13900139000", 406),
    ],
)
def test_one_number_that_is_refused_refuses_the_list(platform, mobile, code):
    assert submit(platform, "marketing", mobile=mobile)["code"] == code
    assert platform.simulator.messages() == []


def test_a_list_that_one_number_refuses_counts_as_an_attempt_for_the_others(platform, clock):
    submit(platform, "marketing", mobile="13800138000")

    codes = [
        submit(platform, "marketing", mobile=mobile)["code"] for mobile in ("13900139000,13800138000", "13900139000")
    ]
    assert codes == [4080, 4080]


def test_a_list_costs_what_all_its_numbers_cost():
    platform = Caller(Simulator(accounts=[TRIAL_ACCOUNTS[-1]]))
    platform.order("accounts", {"account": "M00000001", "product": "marketing", "balance": 1})

    assert submit(platform, "marketing", mobile="13800138000,13900139000")["code"] == 4051
    assert submit(platform, "marketing", mobile="13700137000")["code"] == 2


@pytest.mark.parametrize("stime", ["1700000060", "2023-11-15 06:14:20"])
def test_an_advertisement_leaves_at_its_stime(platform, clock, stime):
    assert submit(platform, "marketing", stime=stime)["code"] == 2
    assert platform.simulator.messages() == []

    clock.pass_seconds(60)
    assert [message.content for message in platform.simulator.messages()] == [AD]
    assert platform.simulator.messages()[0].arrived == 1_700_000_060


@pytest.mark.parametrize(("stime", "code"), [("", 2), ("1600000000", 2), ("tomorrow", 0), ("2023-13-01 00:00:00", 0)])
def test_a_past_stime_means_now_and_an_invalid_one_is_refused(platform, stime, code):
    assert submit(platform, "marketing", stime=stime)["code"] == code
    assert len(platform.simulator.messages()) == code // 2


def test_only_advertisements_take_a_list_or_a_time(platform):
    assert platform.send(mobile="13800138000,13900139000") == 406
    assert platform.send(content=NOTICE, stime="1700000060") == 2
    assert len(platform.simulator.messages()) == 1
