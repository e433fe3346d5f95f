"""What attackers can spend with the README's settings for production, and how many honest visitors get in meanwhile.

    python3 tests/services.py postgresql redis -- python3 tests/runtests.py --proofs tests/proofs/test_spending.py

It prints the table of docs/explanation/abuse.md, one line for each attack before it, and what visitors were refused
with. An hour and a day are not waited for: the clocks of this process and of the database are moved (moved_clock.py),
so limits, windows, captchas and marks all see the same time. Attackers are as fast as the site lets them, and read each
captcha at once, as people who are paid for it would. Each request is answered before the next one is sent.

PROOF_SPENDING_HOURS      24; with 1 only the first hour of each attack: a quarter of the time
PROOF_SPENDING_VISITORS   20 of each group in the first hour, and as many later
PROOF_SPENDING_REQUESTS   25,000 requests of one attacker; the table marks an attack that was cut short by `≥`
"""

import collections
import dataclasses
import faulthandler
import logging
import os
import time

import pytest
from django.db import connection

from django_ihuyi.database.clock import read_clock
from tests.proofs.support import attackers
from tests.proofs.support.attacked_site import AttackedSite, production_settings
from tests.proofs.support.moved_clock import moved_clock
from tests.proofs.support.spending import BEFORE, BEGIN, HELPLESS, NEW, RETURNING, Attack, measure
from tests.proofs.support.spending_table import print_tables

pytestmark = [
    pytest.mark.proof,
    pytest.mark.once,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="a schema is put before PostgreSQL's own clock"),
    pytest.mark.skipif("REDIS_URL" not in os.environ, reason="the README's cache is Redis"),
]

HOURS = int(os.environ.get("PROOF_SPENDING_HOURS", "24"))
VISITORS = int(os.environ.get("PROOF_SPENDING_VISITORS", "20"))
REQUESTS = int(os.environ.get("PROOF_SPENDING_REQUESTS", "25000"))
ADDRESSES = (1, 100, 10_000)

NO_ATTACK = Attack(name="none", numbers=None)
#: Without a captcha nothing is sent, so what counts are the requests themselves: five a second, then one a minute.
FREE = [
    attack
    for addresses in ADDRESSES
    for attack in (
        Attack(name="junk", numbers=attackers.junk, addresses=addresses, pace=0.19, later_pace=60, ipv6=True),
        # Each of these is answered with a new picture, which takes this machine ten times as long as junk.
        Attack(name="all kinds in turn", numbers=attackers.all_in_turn, addresses=addresses, pace=5, later_pace=120),
    )
]
#: A tenth of the messages goes to the attacker's own phones, so that the conversion breaker sees nothing. With 10,000
#: addresses this would reach the ceilings of all: 300 a minute, 20,000 a day.
BLINDING = Attack(name="own phones", numbers=attackers.all_segments, addresses=100, solves=True, own=9, hours=1)
#: The day of `refused numbers` brings nothing that its hour and the day of `all segments` do not show.
PAID = [
    attack
    for addresses in ADDRESSES
    for attack in (
        Attack(name="all segments", numbers=attackers.all_segments, addresses=addresses, solves=True),
        Attack(name="one segment", numbers=attackers.one_segment, addresses=addresses, solves=True, is_near=True),
        Attack(name="refused numbers", numbers=attackers.refused_numbers, addresses=addresses, solves=True, hours=1),
        Attack(name="one victim", numbers=attackers.one_victim, addresses=addresses, solves=True),
    )
] + [BLINDING]


@pytest.fixture(scope="module")
def rows(request):
    """The results of all attacks; at the end they are printed as a table."""
    rows, plugins = [], request.config.pluginmanager
    yield rows
    with plugins.get_plugin("capturemanager").global_and_fixture_disabled():
        print_tables(rows, plugins.get_plugin("terminalreporter").write_line)


@pytest.fixture
def attack_site(settings, own_simulator, rows, figure, monkeypatch):
    """Let an attack run on the README's site, and note its results."""
    settings.IHUYI = production_settings()
    # A day has some ten thousand refusals, which a failure would show.
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)
    # And takes longer than a test that hangs is given.
    faulthandler.cancel_dump_traceback_later()

    def run(attack):
        attack = dataclasses.replace(attack, hours=min(attack.hours, HOURS))
        with moved_clock(BEGIN - BEFORE) as clock:
            site = AttackedSite(own_simulator())
            row = measure(attack, site, clock, count=VISITORS, most=REQUESTS, seed=0)
        rows.append(row)
        figure(f"F25 under attack: {attack.title}", tell(row))
        return row

    return run


def tell(row):
    groups = ", ".join("{} {} of {}".format(group, *row.share(group)) for group in row.visitors)
    refusals = collections.Counter(code for group in row.visitors.values() for one in group for code in one.refusals)
    spent = f"{row.hour} messages in an hour, {row.day} in {row.attack.hours} h, answers {row.answers}"
    return f"{spent}; got in: {groups}; refused with {dict(refusals)}"


def share(row, group):
    got_in, all_visitors = row.share(group)
    return got_in / all_visitors


def titled(attack):
    return attack.title


def test_both_clocks_show_the_time_that_a_proof_sets():
    with moved_clock(BEGIN) as clock:
        clock.move_to(BEGIN + 90)
        connection.close()  # a new connection, as that of another thread, shows it as well

        assert (time.time(), read_clock(connection).timestamp()) == (BEGIN + 90, BEGIN + 90)
    assert abs(read_clock(connection).timestamp() - time.time()) < 60


def test_without_an_attack_everybody_who_solves_the_captcha_gets_in(attack_site):
    row = attack_site(NO_ATTACK)

    assert (row.hour, row.day) == (0, 0)
    assert share(row, RETURNING) == share(row, NEW) == 1
    assert share(row, HELPLESS) == 0


@pytest.mark.parametrize("attack", FREE, ids=titled)
def test_requests_without_a_captcha_spend_no_message_and_keep_nobody_out(attack_site, attack):
    """F23: also those of 10,000 IPv6 networks."""
    row = attack_site(attack)

    assert (row.hour, row.day) == (0, 0)
    assert share(row, RETURNING) == share(row, NEW) == 1


@pytest.mark.parametrize("attack", PAID, ids=titled)
def test_attackers_who_solve_captchas_spend_no_more_than_the_budgets_and_keep_no_known_visitor_out(attack_site, attack):
    """F25, and the figures of BUDGETS: 20 an hour and 50 a day of an address, 300 a minute and 20,000 a day of all."""
    row = attack_site(attack)

    assert row.hour <= min(20 * attack.addresses, 60 * 300)
    assert row.day <= min(50 * attack.addresses, 20_000)
    assert share(row, RETURNING) >= 0.95
