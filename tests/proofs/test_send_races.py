"""Requests for messages from all sides at once: how many leave for one phone, and how close upon each other."""

import datetime
import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from tests.proofs.support.concurrent_requests import PARALLEL, ROUNDS
from tests.proofs.support.jitter_proxy import jittering
from tests.proofs.support.processes import WORKERS
from tests.proofs.support.site_client import new_phone, send
from tests.proofs.support.summaries import spread

pytestmark = pytest.mark.proof

BURSTS = 8
#: A little more than the second that must lie between two messages.
PAUSE = 1.1
DAILY_LIMIT = 5
#: Of the gaps between messages: so many phones, each with so many who ask for it.
PHONES, REQUESTERS = 6, 3
PURPOSES = ["register", "login", "reset_password", "change_phone"]


def test_a_new_phone_gets_one_message(site, figure):
    """Of all who ask at the same moment for a phone never seen before, one has a message sent."""
    arrived = []
    for _ in range(ROUNDS):
        phone = new_phone()
        answers = site.fire([send(phone)] * PARALLEL)
        arrived.append(len(site.platform.messages(phone)))
        assert sum(answer.status == 202 for answer in answers) == 1

    figure("messages to a new number", f"{spread(arrived)} of {PARALLEL} ({ROUNDS} rounds) [target 1]")
    assert arrived == [1] * ROUNDS


def test_five_messages_a_day_leave_for_one_phone(hasty_site, figure):
    """F6: not six, and not four, in any number of bursts; a burst of more than a second may bring more than one."""
    phone = new_phone()
    arrived = []
    for _ in range(BURSTS):
        hasty_site.fire([send(phone)] * PARALLEL)
        arrived.append(len(hasty_site.platform.messages(phone)))
        time.sleep(PAUSE)
    shortest = min(gaps_between(hasty_site.platform.messages(phone)))

    figure(
        "F6 messages to one number in 24 h",
        f"{arrived[-1]} of {BURSTS * PARALLEL}, {PARALLEL} at once, {arrived} after each [target {DAILY_LIMIT}]",
    )
    assert arrived[-1] == DAILY_LIMIT
    assert all(count >= min(burst, DAILY_LIMIT) for burst, count in enumerate(arrived, start=1)), arrived
    assert shortest >= 1.0


def test_messages_to_one_phone_arrive_a_second_apart(running, platform, figure):
    """F5: measured where they arrive, over a road on which some take half a second and others no time at all."""
    phones = [new_phone() for _ in range(PHONES)]
    with (
        jittering(platform.submit_url) as road,
        running(platform_url=road, PROOF_RESEND_INTERVAL="0") as site,
        ThreadPoolExecutor(max_workers=PHONES * REQUESTERS) as pool,
    ):
        # Without a break, so that whoever may send first after a second does so at once.
        list(pool.map(partial(ask_until_full, site), phones * REQUESTERS))
    gaps = [gap for phone in phones for gap in gaps_between(platform.messages(phone))]

    figure(
        "F5 shortest gap between messages to one number",
        f"{min(gaps):.3f} s of {len(gaps)} gaps, {WORKERS} processes, jitter 0–500 ms [target at least 1.000 s]",
    )
    assert len(gaps) == PHONES * (DAILY_LIMIT - 1)
    assert min(gaps) >= 1.0


def ask_until_full(site, phone):
    """Ask for messages, each purpose in turn, until the phone has had all that it may get in a day."""
    for purpose in itertools.cycle(PURPOSES):
        if site.ask(send(phone, purpose=purpose)).code == "number_limit":
            return


def gaps_between(messages):
    moments = [datetime.datetime.fromisoformat(message["at"]) for message in messages]
    return [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(moments)]
