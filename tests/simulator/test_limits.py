"""What a number may get, and when it may get it again."""

import sys
import threading

import pytest

from django_ihuyi.simulator import Account, Limits, Simulator
from tests.support.simulator_calls import KEY, NOTICE, TEXT, Caller

DAY = 86_400


def send_apart(platform, clock, count, *, seconds=2, **changes):
    codes = []
    for _ in range(count):
        codes.append(platform.send(**changes))
        clock.pass_seconds(seconds)
    return codes


def test_a_second_message_in_the_same_second_is_refused_and_counts_itself(platform, clock):
    codes = send_apart(platform, clock, 3, seconds=0.75)

    assert codes == [2, 4080, 4080]


def test_a_message_passes_after_one_second(platform, clock):
    assert send_apart(platform, clock, 2, seconds=1) == [2, 2]


def test_numbers_are_limited_separately(platform):
    assert [platform.send(), platform.send(mobile="13800138001")] == [2, 2]


def test_an_attempt_refused_for_its_text_counts_for_the_second(platform):
    assert [platform.send(content="free text"), platform.send()] == [4072, 4080]


def test_an_attempt_refused_by_an_entry_rule_does_not_count(platform):
    assert [platform.send(account="C2"), platform.send(password="wrong"), platform.send()] == [405, 405, 2]


def test_the_sixth_code_of_a_day_is_refused_until_24_hours_have_passed(platform, clock):
    codes = send_apart(platform, clock, 6)
    clock.pass_seconds(DAY - 12 - 0.5)

    assert codes == [2, 2, 2, 2, 2, 4085]
    assert platform.send() == 4085
    clock.pass_seconds(1)
    assert platform.send() == 2


def test_the_sixth_message_of_a_day_is_refused_whatever_its_kind(platform, clock):
    codes = send_apart(platform, clock, 4) + send_apart(platform, clock, 2, content=NOTICE)

    assert codes == [2, 2, 2, 2, 2, 4082]


def test_refused_codes_do_not_use_up_the_day(platform, clock):
    codes = send_apart(platform, clock, 5, content="free text") + send_apart(platform, clock, 1)

    assert codes == [4072] * 5 + [2]


def test_more_than_twenty_attempts_put_a_number_on_the_black_list(platform, clock):
    send_apart(platform, clock, 20)
    codes = send_apart(platform, clock, 2)
    clock.pass_seconds(2 * DAY)

    assert [*codes, platform.send()] == [408, 4030, 4030]


def test_a_calendar_day_begins_at_beijings_midnight(make_platform, clock):
    platform = make_platform(limits_of_account=Limits(calendar_day=True))
    clock.now = 1_700_063_990  # 2023-11-15 23:59:50 in Beijing

    codes = send_apart(platform, clock, 5)
    assert [*codes, *send_apart(platform, clock, 5)] == [2] * 10


def test_without_limits_everything_passes(make_platform):
    platform = make_platform(limits=False)

    assert {platform.send() for _ in range(50)} == {2}


def test_a_reset_lifts_everything(platform, clock):
    send_apart(platform, clock, 22)
    platform.simulator.reset()

    assert platform.send() == 2


def test_the_balance_pays_for_parts_but_not_for_refusals(make_platform):
    platform = make_platform(balance=4, variable_length=300, limits=False)
    long_notice = NOTICE.replace("1234", "好" * 100)

    codes = [platform.send(content=text) for text in ("free text", long_notice, TEXT, long_notice, TEXT, TEXT)]

    assert codes == [4072, 2, 2, 4051, 2, 4051]
    account = {"account": "C00000001", "password": KEY, "format": "json"}
    assert platform.post(account, query="method=GetNum") == '{"code":2,"msg":"查询成功","num":0}'.encode()


@pytest.mark.parametrize(
    ("content", "code"), [pytest.param(NOTICE, 4082, id="messages"), pytest.param(TEXT, 4085, id="codes")]
)
def test_of_200_parallel_messages_exactly_five_pass(content, code):
    account = Account(limits=Limits(per_second=None, blacklist_after=None))
    platform = Caller(Simulator(accounts=[account]))
    barrier = threading.Barrier(20)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # so that threads meet inside of the rules
    codes = []

    def send_ten():
        barrier.wait()
        codes.extend(platform.send(content=content) for _ in range(10))

    threads = [threading.Thread(target=send_ten) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(interval)

    assert sorted(codes) == [2] * 5 + [code] * 195
    assert len({message.smsid for message in platform.simulator.messages()}) == 5
