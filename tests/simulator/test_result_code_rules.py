"""The rules that the reference names make the simulator say their codes, for every product."""

from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

import pytest

from django_ihuyi.simulator import Limits, Simulator
from django_ihuyi.simulator.accounts import NO_LIMITS, trial_account
from django_ihuyi.simulator.products import PRODUCTS
from tests.support.result_codes_page import read_rows
from tests.support.simulator_calls import FORM_TYPE, KEY, NOON, Caller, read_code

MOBILES = {"international": "44 7400123456"}
#: A good text of each product's first template, around a value.
TEXTS = {
    "sms": "您的验证码是：{}。请不要把验证码泄露给其他人。",
    "voice_code": "{}",
    "voice_notice": "您的订单号是：{0}。已由{0}发出，请注意查收。",
    "international": "Your verification code is {}. Please do not share it with anyone.",
    "marketing": "亲爱的会员，{}活动正在进行中，欢迎选购。退订回T",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to a code: what differs from a good message."""

    form: dict = field(default_factory=dict)
    value: str = "1234"
    before: str = ""
    account: dict = field(default_factory=dict)
    policy: dict = field(default_factory=dict)
    limits: Limits = NO_LIMITS
    method: str = "Submit"
    #: How many messages, of which the last one is answered with the code.
    count: int = 1


def limits(**own):
    return replace(NO_LIMITS, **own)


WAYS = {
    0: Way(method="Other"),
    2: Way(),
    400: Way(policy={"blocked_addresses": ["127.0.0.1"]}),
    401: Way(form={"account": ""}),
    402: Way(form={"password": ""}),
    403: Way(form={"mobile": ""}),
    4030: Way(limits=limits(blacklist_after=1), count=3),
    404: Way(form={"content": ""}),
    405: Way(form={"account": "C12345678"}),
    4050: Way(account={"is_frozen": True}),
    40501: Way(form={"time": str(int(NOON) - 301)}),
    40502: Way(form={"time": str(int(NOON))}),
    4051: Way(account={"balance": 0}),
    4052: Way(account={"addresses": ("192.0.2.1",)}),
    406: Way(form={"mobile": "12"}),
    407: Way(value="赌博"),
    4070: Way(before="【互亿无线】"),
    4071: Way(form={"templateid": "99", "content": "1234"}),
    4072: Way(before="您好，"),
    40722: Way(value="123456789"),
    4073: Way(value="1" * 301),
    4074: Way(value="😀"),
    4075: Way(form={"sign": "别的公司"}),
    408: Way(limits=limits(blacklist_after=1), count=2),
    4080: Way(limits=limits(per_second=1), count=2),
    4082: Way(limits=limits(per_day=1), count=2),
    4085: Way(limits=limits(codes_per_day=1), count=2),
}
#: Products without codes have no limit of codes.
CARRIES_CODES = {"sms", "voice_code", "international"}
CASES = [
    pytest.param(product, code, id=f"{product.name}-{code}")
    for product in PRODUCTS
    for code in WAYS
    if code != 4085 or product.name in CARRIES_CODES
]


def test_every_rule_of_the_page_has_a_case():
    assert {row.code for row in read_rows() if row.rule} == set(WAYS)


@pytest.mark.parametrize(("product", "code"), CASES)
def test_a_rule_refuses_as_the_page_says(product, code):
    way = WAYS[code]
    account = replace(trial_account(product.name), limits=way.limits, **way.account)
    platform = Caller(Simulator(accounts=[account], clock=lambda: NOON, **way.policy))

    answers = [submit(platform, product, way) for _ in range(way.count)]

    assert answers[-1] == code
    assert set(answers[:-1]) <= {2, 408}


def submit(platform, product, way):
    form = {
        "account": trial_account(product.name).account,
        "password": KEY,
        "mobile": MOBILES.get(product.name, "13800138000"),
        "content": way.before + TEXTS[product.name].format(way.value),
        "format": "json",
        **way.form,
    }
    _, _, body = platform.request(
        "POST",
        product.v1_path,
        query=f"method={way.method}",
        content_type=FORM_TYPE,
        body=urlencode(form).encode(),
        HTTP_HOST=min(product.hosts - {"api.ihuyi.com"}),
    )
    return read_code(body)
