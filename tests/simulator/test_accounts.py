"""Accounts and the black list, changed while the simulator runs."""

import pytest

from tests.support.simulator_calls import KEY, MOBILE, TEXT, make_form

ACCOUNT = "C00000001"
NEW = "我是新模板，验证码【变量】。"


@pytest.mark.parametrize(
    ("change", "form", "code"),
    [
        pytest.param({"balance": 0}, {}, 4051, id="balance"),
        pytest.param({"frozen": True}, {}, 4050, id="frozen"),
        pytest.param({"key": "another"}, {}, 405, id="key"),
        pytest.param({"key": "another"}, {"password": "another"}, 2, id="new key"),
        pytest.param({"addresses": ["192.0.2.1"]}, {}, 4052, id="addresses"),
        pytest.param({"templates": [{"id": "9", "text": NEW}]}, {}, 4072, id="templates"),
        pytest.param({"templates": [{"id": "9", "text": NEW}]}, {"content": "1234", "templateid": "9"}, 2, id="own"),
        pytest.param({"signatures": ["一家公司"]}, {"sign": "互亿无线"}, 4075, id="signatures"),
        pytest.param({"variable_length": 3}, {}, 40722, id="variable length"),
        pytest.param({"text_length": 9}, {}, 4073, id="text length"),
    ],
)
def test_an_account_changes_while_the_simulator_runs(platform, change, form, code):
    assert platform.order("accounts", {"account": ACCOUNT, **change})[0] == 200

    assert platform.send(**form) == code


def test_a_reset_undoes_changes_and_removes_new_accounts(platform):
    platform.order("accounts", {"account": ACCOUNT, "frozen": True})
    platform.order("accounts", {"account": "C2"})
    platform.order("reset", None)

    assert [platform.send(), platform.send(account="C2")] == [2, 405]


def test_a_new_account_copies_its_products_trial_account(platform):
    status, shown = platform.order("accounts", {"account": "V2", "product": "voice_code", "key": "k", "balance": 3})

    assert status == 200
    assert {name: shown[name] for name in ("account", "product", "balance", "frozen", "signatures", "templates")} == {
        "account": "V2",
        "product": "voice_code",
        "balance": 3,
        "frozen": False,
        "signatures": [],
        "templates": [{"id": "1", "text": "您的验证码是：【变量】。请不要把验证码告诉其他人。"}],
    }
    form = make_form(account="V2", password="k", content="1234")
    assert platform.submit(form, path="/webservice/voice.php") == 2


def test_limits_change_one_by_one(platform):
    platform.order("accounts", {"account": ACCOUNT, "limits": {"per_second": None, "per_day": 7}})

    limits = platform.look("accounts")[0]["limits"]
    assert limits == {
        "per_second": None,
        "per_day": 7,
        "codes_per_day": 5,
        "blacklist_after": 20,
        "calendar_day": False,
    }
    assert [platform.send() for _ in range(6)] == [2, 2, 2, 2, 2, 4085]


def test_a_change_keeps_other_fields_and_the_spent_balance(platform):
    platform.send()
    platform.order("accounts", {"account": ACCOUNT, "frozen": False})

    assert platform.look("accounts")[0]["balance"] == 9_999_999


def test_the_list_of_accounts_shows_no_key_and_no_push_url(platform):
    secret = "http://127.0.0.1:9/receipts/secret/"
    platform.order("accounts", {"account": ACCOUNT, "receipt_url": secret})

    _, _, body = platform.request("GET", "/_simulator/accounts")
    assert KEY.encode() not in body
    assert b"secret" not in body
    assert platform.look("accounts")[0]["receipts"] is True


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"account": ""},
        {"account": "多"},
        {"account": "C 2"},
        {"account": 1},
        {"account": "C2", "product": "fax"},
        {"account": "C2", "colour": "red"},
        {"account": "C2", "balance": -1},
        {"account": "C2", "balance": None},
        {"account": "C2", "balance": True},
        {"account": "C2", "frozen": 1},
        {"account": "C2", "key": ""},
        {"account": "C2", "templates": [{"id": "1"}]},
        {"account": "C2", "templates": {"1": "x"}},
        {"account": "C2", "limits": {"per_day": 0}},
        {"account": "C2", "limits": {"per_year": 1}},
        {"account": "C2", "signatures": "x"},
        {"account": "C2", "receipt_url": "ftp://127.0.0.1/"},
        {"account": "C2", "receipt_url": "http://192.0.2.1/"},
        {"account": "C2", "receipt_url": "http://127.0.0.1.example/"},
        {"account": "C2", "reply_url": "http://127.0.0.1:99999/"},
        {"account": "C2", "reply_url": "http://user@127.0.0.1@192.0.2.1/"},
    ],
    ids=repr,
)
def test_an_invalid_change_is_refused_with_a_reason(platform, data):
    status, said = platform.order("accounts", data)

    assert (status, bool(said["error"])) == (400, True)
    assert len(platform.look("accounts")) == 5


def test_a_number_can_be_taken_off_the_black_list(platform, clock):
    for _ in range(21):
        platform.send()
        clock.pass_seconds(2)
    assert platform.look("blacklist") == [{"account": ACCOUNT, "mobile": MOBILE}]
    assert platform.send() == 4030

    assert platform.order("blacklist", {"mobile": MOBILE, "listed": False})[0] == 200
    assert platform.look("blacklist") == []
    assert platform.send() == 4085  # the five codes of this day stay


def test_a_number_can_be_put_on_the_black_list(platform):
    platform.order("blacklist", {"mobile": MOBILE, "listed": True})

    assert [platform.send(), platform.send(mobile="13900139000")] == [4030, 2]


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        {"mobile": MOBILE},
        {"mobile": MOBILE, "listed": None},
        {"mobile": MOBILE, "listed": True, "account": "C9"},
    ],
    ids=repr,
)
def test_an_invalid_black_list_order_is_refused(platform, data):
    assert platform.order("blacklist", data)[0] == 400
    assert platform.send(content=TEXT) == 2
