"""What the phone page asks for: news of all phones, and waiting for it."""

import functools
import threading

import pytest

from django_ihuyi.simulator import Simulator
from tests.support.simulator_calls import MOBILE, TEXT, Caller


def test_a_new_page_gets_everything(platform):
    platform.send()
    platform.order("replies", {"mobile": MOBILE, "content": "好"})

    news = platform.look("threads")
    assert [(item["kind"], item["mobile"], item["content"]) for item in news["items"]] == [
        ("message", MOBILE, TEXT),
        ("reply", MOBILE, "好"),
    ]
    assert (news["fate"], news["max_wait"]) == ("delivered", 0)


def test_a_later_request_gets_only_changes(platform):
    platform.send()
    platform.send(mobile="13900139000")
    first = platform.look("threads")
    known = {"since": first["revision"], "epoch": first["epoch"]}
    assert platform.look("threads", **known)["items"] == []

    platform.order("pushes", {"smsid": first["items"][0]["smsid"], "fate": "failed"})
    news = platform.look("threads", **known)["items"]
    assert [(item["id"], item["fate"]) for item in news] == [(first["items"][0]["id"], "failed")]


def test_after_a_reset_a_page_gets_everything_again(platform):
    platform.send()
    before = platform.look("threads")
    platform.order("reset", None)
    after = platform.look("threads", since=before["revision"], epoch=before["epoch"])

    assert after["items"] == []
    assert after["epoch"] != before["epoch"]


def test_a_page_gets_the_fate_of_future_messages(platform):
    platform.order("fates", {"fate": "never"})

    assert platform.look("threads")["fate"] == "never"


@pytest.mark.parametrize("since", ["", "-1", "x", "1e9", "９", "9" * 30])
def test_an_invalid_revision_means_everything(platform, since):
    platform.send()

    assert len(platform.look("threads", since=since, epoch="x")["items"]) == 1


def test_a_waiting_page_gets_a_message_at_once():
    simulator = Simulator()
    news = simulator.changes()
    found = []
    # An hour, for which this test does not wait.
    look = functools.partial(simulator.changes, 0, epoch=news.epoch, wait=3600)
    waiting = threading.Thread(target=lambda: found.append(look()), daemon=True)
    waiting.start()
    Caller(simulator).send()
    waiting.join(timeout=60)

    assert [item.mobile for changes in found for item in changes.items] == [MOBILE]


def test_a_wait_ends_empty_after_max_wait(simulator):
    platform = Caller(simulator, max_wait=0.1)
    news = platform.look("threads")

    again = platform.look("threads", since=news["revision"], epoch=news["epoch"], wait=20)
    assert (again["items"], again["max_wait"]) == ([], 0.1)


def test_a_new_page_gets_the_latest_thousand():
    platform = Caller(Simulator(limits=False))
    for number in range(1_001):
        platform.send(mobile=f"1380000{number:04d}")

    items = platform.look("threads")["items"]
    assert (len(items), items[0]["mobile"], items[-1]["mobile"]) == (1000, "13800000001", "13800001000")


@pytest.mark.parametrize("mobile", [MOBILE, f"+86{MOBILE}", f"86 {MOBILE}", "138 0013 8000"])
def test_a_phone_is_found_however_its_number_is_written(platform, mobile):
    platform.send()

    assert platform.simulator.latest_code(mobile) == "1234"
    assert len(platform.look("messages", mobile=mobile)) == 1


def test_latest_code_of_a_phone_without_a_code_raises(platform):
    with pytest.raises(LookupError, match="no code has arrived"):
        platform.simulator.latest_code(MOBILE)
