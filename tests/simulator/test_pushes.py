"""Receipts and replies reach the customer's server, in good and in bad ways."""

import threading

import pytest

from django_ihuyi.simulator import Simulator
from django_ihuyi.simulator.accounts import TRIAL_ACCOUNTS
from django_ihuyi.simulator.pushes import PushPlan
from django_ihuyi.simulator.server import serving
from tests.support.push_receiver import receiving
from tests.support.simulator_calls import MOBILE, Caller
from tests.support.valid_submits import GOODS, make_good

PLAN = PushPlan(delay=0, retries=(0, 0), timeout=2)
PUSHERS = "ihuyi-simulator-pushes"


@pytest.fixture
def receiver():
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def platform(clock, receiver):
    """A platform whose accounts all push to the receiver."""
    platform = Caller(Simulator(clock=clock, push_plan=PLAN))
    for account in TRIAL_ACCOUNTS:
        urls = {"receipt_url": receiver.url, "reply_url": receiver.url}
        platform.order("accounts", {"account": account.account, "product": account.product, **urls})
    yield platform
    platform.simulator.close()


def pushed(platform, receiver):
    assert platform.simulator.pushes.wait(60)
    return receiver.forms


def test_a_message_is_followed_by_its_receipt(platform, receiver):
    platform.send()

    assert pushed(platform, receiver) == [
        {
            "smsid": platform.simulator.messages()[0].smsid,
            "mobilephone": MOBILE,
            "code": "2",
            "msg": "DELIVRD",
            "report_time": "2023-11-15 06:13:20",
        }
    ]
    assert receiver.types == {("/push/secret/?from=ihuyi", "application/x-www-form-urlencoded; charset=utf-8")}


@pytest.mark.parametrize("product", GOODS)
def test_a_receipt_names_the_id_as_its_product_does(platform, receiver, product):
    host, path, _, mobile, *_ = GOODS[product]
    platform.post(make_good(product), path=path, HTTP_HOST=host)

    receipt = pushed(platform, receiver)[0]
    id_field = "task_id" if product == "marketing" else "smsid"
    assert (receipt[id_field], receipt["mobilephone"]) == (platform.simulator.messages()[0].smsid, mobile)
    assert len(receipt) == 5


def test_a_phone_answers_the_latest_message(platform, receiver):
    platform.order("fates", {"fate": "never"})
    platform.send()
    status, _ = platform.order("replies", {"mobile": MOBILE, "content": "退订 T😀"})

    assert status == 200
    assert pushed(platform, receiver) == [
        {
            "mobilephone": MOBILE,
            "content": "退订 T😀",
            "smsid": platform.simulator.messages()[0].smsid,
            "reply_time": "2023-11-15 06:13:20",
        }
    ]


def test_a_phone_without_a_message_cannot_answer(platform):
    assert platform.order("replies", {"mobile": MOBILE, "content": "?"})[0] == 400


@pytest.mark.parametrize(
    ("order", "receipts"),
    [
        ({"fate": "delivered"}, [("2", "DELIVRD")]),
        ({"fate": "failed"}, [("0", "UNDELIV")]),
        ({"fate": "failed", "msg": "BLACK-Y"}, [("0", "BLACK-Y")]),
        ({"fate": "never"}, []),
        ({"fate": "delivered", "copies": 3}, [("2", "DELIVRD")] * 3),
    ],
    ids=str,
)
def test_a_fate_is_chosen_before_the_message(platform, receiver, order, receipts):
    assert platform.order("fates", order)[0] == 200
    platform.send()

    assert [(form["code"], form["msg"]) for form in pushed(platform, receiver)] == receipts
    expected = order["fate"] if receipts else ""
    assert platform.look("messages")[0]["fate"] == expected


def test_a_fate_is_for_its_number_and_its_number_of_times(platform, receiver, clock):
    platform.order("fates", {"fate": "failed", "mobile": MOBILE, "times": 1})
    platform.send()
    platform.send(mobile="13900139000")
    clock.pass_seconds(2)
    platform.send()

    assert [form["code"] for form in pushed(platform, receiver)] == ["0", "2", "2"]


def test_a_fate_is_chosen_after_the_message(platform, receiver):
    platform.order("fates", {"fate": "never"})
    platform.send()
    smsid = platform.simulator.messages()[0].smsid

    platform.order("pushes", {"smsid": smsid, "fate": "failed", "msg": "BLACK-Y"})
    assert [form["msg"] for form in pushed(platform, receiver)] == ["BLACK-Y"]
    assert platform.look("messages")[0]["fate"] == "failed"


def test_a_receipt_for_an_unknown_id_is_refused(platform):
    assert platform.order("pushes", {"smsid": "1", "fate": "delivered"})[0] == 400


@pytest.mark.parametrize(
    ("answers", "tries", "state"),
    [
        pytest.param([(200, b"success")], 1, "taken", id="success"),
        pytest.param([(200, b"")], 1, "taken", id="empty"),
        pytest.param([(200, b" success\n")], 1, "taken", id="with blanks"),
        pytest.param([(503, b""), (200, b"")], 2, "taken", id="down at first"),
        pytest.param([(200, b"fail")], 3, "given up", id="another word"),
        pytest.param([(204, b"")], 3, "given up", id="another status"),
        pytest.param([(302, b"")], 3, "given up", id="redirect"),
        pytest.param([(404, b"success")], 3, "given up", id="not found"),
    ],
)
def test_a_push_is_repeated_until_it_is_taken(platform, receiver, answers, tries, state):
    receiver.answers = answers
    platform.send()

    assert len(pushed(platform, receiver)) == tries
    assert [(push["state"], push["tries"]) for push in platform.look("pushes")] == [(state, tries)]


def test_an_unreachable_server_is_tried_again(platform, receiver):
    platform.order("accounts", {"account": "C00000001", "receipt_url": "http://127.0.0.1:1/"})
    platform.send()

    assert pushed(platform, receiver) == []
    assert platform.look("pushes") == [
        {
            "kind": "receipt",
            "mobile": MOBILE,
            "smsid": platform.simulator.messages()[0].smsid,
            "state": "given up",
            "tries": 3,
            "answer": "ConnectionRefusedError",
        }
    ]


def test_delays_change_the_order(platform, receiver):
    platform.order("fates", {"fate": "delivered", "delay": 0.3, "times": 1})
    platform.send()
    platform.send(mobile="13900139000")

    assert [form["mobilephone"] for form in pushed(platform, receiver)] == ["13900139000", MOBILE]


def test_held_pushes_leave_in_reverse_and_twice(platform, receiver):
    platform.order("pushes/hold", None)
    numbers = [f"1380013800{digit}" for digit in range(3)]
    for number in numbers:
        platform.send(mobile=number)
    assert pushed(platform, receiver) == []

    assert platform.order("pushes/release", {"order": "reversed", "copies": 2})[0] == 200
    arrived = [form["mobilephone"] for form in pushed(platform, receiver)]
    assert sorted(arrived) == sorted(numbers * 2)
    assert arrived[-3:] == numbers[::-1]


def test_a_reset_drops_waiting_pushes(platform, receiver):
    platform.order("pushes/hold", None)
    platform.send()
    platform.order("reset", None)
    platform.order("pushes/release", None)

    assert pushed(platform, receiver) == []
    assert platform.look("pushes") == []


def test_nothing_is_pushed_without_a_url(clock):
    platform = Caller(Simulator(clock=clock))
    platform.send()

    assert platform.look("pushes") == []
    assert PUSHERS not in {thread.name for thread in threading.enumerate()}


def test_the_thread_that_pushes_ends_with_its_work_and_with_the_server(receiver):
    simulator = Simulator(push_plan=PushPlan(delay=3600))
    with serving(simulator) as server:
        assert server.url
        Caller(simulator).order("accounts", {"account": "C00000001", "receipt_url": receiver.url})
        Caller(simulator).send()
        assert PUSHERS in {thread.name for thread in threading.enumerate()}

    assert PUSHERS not in {thread.name for thread in threading.enumerate()}
    assert receiver.forms == []


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("fates", {}),
        ("fates", {"fate": "lost"}),
        ("fates", {"fate": "failed", "copies": 101}),
        ("fates", {"fate": "failed", "delay": -1}),
        ("fates", {"fate": "failed", "delay": True}),
        ("fates", {"fate": ["failed"]}),
        ("pushes", {}),
        ("pushes", {"smsid": 1}),
        ("pushes/release", {"order": "sideways"}),
        ("pushes/release", []),
        ("replies", {"mobile": MOBILE}),
        ("replies", {"mobile": MOBILE, "content": "a\nb"}),
    ],
    ids=str,
)
def test_an_invalid_order_is_refused(platform, path, data):
    status, said = platform.order(path, data)

    assert (status, bool(said["error"])) == (400, True)


def test_pushes_to_other_machines_need_allow_remote():
    account = TRIAL_ACCOUNTS[0]
    remote = {"account": account.account, "receipt_url": "https://example.com/push/"}

    assert Caller(Simulator()).order("accounts", remote)[0] == 400
    assert Caller(Simulator(push_plan=PushPlan(allow_remote=True))).order("accounts", remote)[0] == 200
