"""Each product has its own address, its own form of a message, and its own name for the id in the answer."""

import json
from urllib.parse import parse_qs

import pytest

from django_ihuyi.client.endpoint import PLATFORM_HOSTS, check_endpoint
from django_ihuyi.client.http import Client
from django_ihuyi.client.outcomes import Outcome
from django_ihuyi.client.products import PRODUCTS
from django_ihuyi.client.protocol import sign
from tests.client.conftest import ACCOUNT, API_KEY, MOBILE
from tests.support.misbehaving_servers import Server, answer, says

#: {product: (number, content, template id, name of the id)}, as the platform's documents have them.
MESSAGES = {
    "sms": (MOBILE, "您的验证码是：480917。请不要把验证码泄露给其他人。", None, "smsid"),
    "voice_code": (MOBILE, "480917", None, "voiceid"),
    "voice_notice": (MOBILE, "0648|顺风快递", "1361", "voiceid"),
    "international": ("44 7911123456", "Your code is 480917.", None, "ismsid"),
    "marketing": (f"{MOBILE},13900139000", "新品上市，回T退订", None, "smsid"),
}
PATHS = {
    "sms": ("/webservice/sms.php", "/sms/Submit.json"),
    "voice_code": ("/webservice/voice.php", None),
    "voice_notice": ("/webservice/voice.php", "/vm/Submit.json"),
    "international": ("/webservice/isms.php", "/isms/Submit.json"),
    "marketing": ("/webservice/sms.php", None),
}
VERSIONS = [(name, path) for name, paths in PATHS.items() for path in paths if path]


def accepted(id_field):
    return says(answer(json.dumps({"code": 2, "msg": "提交成功", id_field: "16165686731585006595"}).encode()))


def sent_form(server):
    [request] = server.requests
    return {name: values[0] for name, values in parse_qs(request.partition(b"\r\n\r\n")[2].decode()).items()}


@pytest.mark.parametrize(("product", "path"), VERSIONS, ids=map("{0[0]} {0[1]}".format, VERSIONS))
def test_a_message_of_each_product_is_signed_as_it_is_sent(product, path, make_client):
    mobile, content, template_id, id_field = MESSAGES[product]
    with Server(accepted(id_field)) as server:
        client = make_client(server.url(path), product=product, clock=lambda: 1_700_000_000)
        submission = client.submit(mobile=mobile, content=content, template_id=template_id)

    form = sent_form(server)
    assert (submission.outcome, submission.platform_id) == (Outcome.ACCEPTED, "16165686731585006595")
    assert (form["mobile"], form["content"], form.get("templateid")) == (mobile, content, template_id)
    signed = {"account": ACCOUNT, "api_key": API_KEY, "mobile": mobile, "content": content, "time": "1700000000"}
    assert form["password"] == sign(**signed)


@pytest.mark.parametrize("product", ["voice_code", "voice_notice", "international"])
def test_the_id_of_another_product_is_none(product, make_client):
    with Server(accepted("smsid")) as server:
        mobile, content, *_ = MESSAGES[product]
        submission = make_client(server.url(), product=product).submit(mobile=mobile, content=content)

    assert (submission.outcome, submission.fault) == (Outcome.UNKNOWN, "answer_invalid")


@pytest.mark.parametrize(("product", "path"), VERSIONS, ids=map("{0[0]} {0[1]}".format, VERSIONS))
def test_each_product_tells_its_balance(product, path, make_client):
    with Server(says(answer('{"code":2,"msg":"查询成功","num":7}'.encode()))) as server:
        balance = make_client(server.url(path), product=product).get_balance()

    line = server.requests[0].split(b"\r\n")[0].decode()
    assert balance.units == 7
    assert line.split()[1] == (path.replace("Submit", "GetNum") if "Submit" in path else f"{path}?method=GetNum")


def test_an_advertisement_can_be_sent_later(make_client):
    with Server(accepted("smsid")) as server:
        client = make_client(server.url(), product="marketing", clock=lambda: 1_700_000_000)
        client.submit(mobile=MOBILE, content="新品上市，回T退订", send_at=1_700_003_600)

    form = sent_form(server)
    assert form["stime"] == "1700003600"
    # It is no part of what is signed.
    assert form["password"] == sign(
        account=ACCOUNT, api_key=API_KEY, mobile=MOBILE, content="新品上市，回T退订", time="1700000000"
    )


@pytest.mark.parametrize("product", sorted(set(PRODUCTS) - {"marketing"}))
@pytest.mark.parametrize("message", [{"mobile": f"{MOBILE},{MOBILE}"}, {"mobile": MOBILE, "send_at": 1_700_003_600}])
def test_only_advertisements_go_to_many_or_later(product, message, make_client):
    with pytest.raises(ValueError, match="one number"):
        make_client("http://127.0.0.1/x.php", product=product).submit(content="1234", **message)


def test_no_number_of_a_list_is_shown(make_client):
    said = json.dumps({"code": 406, "msg": "13900139000 / 7911123456 / 44 7911123456"}).encode()
    shown = []
    for product in ("marketing", "international"):
        with Server(says(answer(said))) as server:
            mobile, content, *_ = MESSAGES[product]
            shown.append(make_client(server.url(), product=product).submit(mobile=mobile, content=content).text)

    assert shown == ["*** / 7911123456 / 44 7911123456", "13900139000 / *** / ***"]


@pytest.mark.parametrize("product", PRODUCTS.values(), ids=PRODUCTS)
def test_the_default_address_of_each_product_is_safe_and_its_own(product):
    client = Client(account=ACCOUNT, api_key=API_KEY, product=product.name)

    assert client.url == product.urls[0]
    assert client.url.startswith("https://")


@pytest.mark.parametrize(("product", "owner"), [("sms", "marketing"), ("voice_code", "voice_notice")])
def test_the_address_of_another_product_is_refused(product, owner):
    options = {"account": ACCOUNT, "api_key": API_KEY, "product": product, "url": PRODUCTS[owner].urls[0]}
    with pytest.raises(ValueError, match=f"the product '{owner}', but the product is '{product}'"):
        Client(**options)


def test_a_product_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="one of sms, voice_code, voice_notice, international, marketing"):
        Client(account=ACCOUNT, api_key=API_KEY, product="fax")


@pytest.mark.parametrize("host", sorted(PLATFORM_HOSTS))
def test_the_platforms_hosts_are_called_by_plain_http_only_if_that_is_allowed(host):
    url = f"http://{host}/webservice/x.php"
    check_endpoint(url, allow_http=True)
    check_endpoint(url.replace(host, f"{host}:80"), allow_http=True)
    with pytest.raises(ValueError, match="https"):
        check_endpoint(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://evil.example/sms.php",
        "http://106.ihuyi.com:8080/sms.php",
        "http://127.0.0.1/sms.php",
        "http://8.8.8.8/sms.php",
        "http://sms.example.com/sms.php",
    ],
)
def test_other_hosts_are_refused_by_plain_http_even_if_it_is_allowed(url):
    with pytest.raises(ValueError, match="https"):
        check_endpoint(url, allow_http=True, allowed_hosts=["sms.example.com"])


def test_the_key_itself_never_travels_by_plain_http():
    with pytest.raises(ValueError, match="dynamic_password"):
        Client(account=ACCOUNT, api_key=API_KEY, allow_http=True, dynamic_password=False)
