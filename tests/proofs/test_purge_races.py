"""Purges beside each other, beside sends, and killed half-way; and proofs that many redeem for one user at once."""

import contextlib
import itertools
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from django_ihuyi import proofs, retention
from django_ihuyi.backends.locmem import outbox
from django_ihuyi.models import Message, Recipient, Verification
from django_ihuyi.signals import phone_taken_over
from django_ihuyi.verification import VerdictOutcome, send_code, verify_code
from tests.proofs.support.concurrent_requests import ROUNDS
from tests.proofs.support.processes import PATIENCE, ROOT
from tests.proofs.support.site_client import new_phone
from tests.support.time_travel import let_pass
from tests.support.use_cases import PHONE

pytestmark = pytest.mark.proof

ROWS = 300
TABLES = (Recipient, Verification, Message)
PARALLEL = 20


@pytest.fixture
def purgers(database_url):
    """Start purges in processes of their own, and let them go at the same moment; return what each erased."""

    def run(*arguments):
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": database_url}
        with contextlib.ExitStack() as stack:
            processes = [
                stack.enter_context(
                    subprocess.Popen(
                        [sys.executable, "-m", "tests.proofs.support.purge_process", *argument],
                        cwd=ROOT,
                        env=environment,
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        text=True,
                    )
                )
                for argument in arguments
            ]
            for process in processes:
                assert process.stdout.readline() == "ready\n"
            for process in processes:
                process.stdin.write("\n")
                process.stdin.flush()
            printed = [process.communicate(timeout=PATIENCE)[0] for process in processes]
            return [
                (sum(map(int, lines.split())), process.returncode)
                for lines, process in zip(printed, processes, strict=True)
            ]

    return run


@pytest.fixture
def rows(database_url):
    """So many numbers that a code went to long ago, and one that it went to just now."""
    phones = [f"+86138{number:08}" for number in range(ROWS)]
    for phone in phones:
        send_code(phone, purpose="login")
    let_pass(days=181)
    send_code(PHONE.replace("8000", "9999"), purpose="login")


def left():
    return [model.objects.count() for model in TABLES]


def test_purges_beside_each_other_erase_everything_once(purgers, rows, figure):
    finished = purgers([], [])

    assert [code for _, code in finished] == [0, 0]
    erased = [rows for rows, _ in finished]
    assert left() == [1, 1, 1]
    assert sum(erased) == 2 * ROWS
    figure("rows erased by two purges at once", f"{erased[0]} + {erased[1]} of {2 * ROWS}, none twice, none left")


@pytest.mark.parametrize("die_in", [1, 5, 20], ids=["first", "among the messages", "among the verifications"])
def test_a_purge_that_is_killed_is_completed_by_the_next_one(purgers, rows, figure, die_in):
    """C21: what the transaction had done is undone, and done again."""
    [(erased, code)] = purgers([str(die_in)])
    assert code == -9
    assert sum(left()[1:]) == 2 * (ROWS + 1) - erased

    [(rest, code)] = purgers([])

    assert code == 0
    assert left() == [1, 1, 1]
    assert erased + rest == 2 * ROWS
    figure(f"C21 purge killed in transaction {die_in}", f"{erased} rows were erased, the next purge erased {rest}")


def test_a_number_that_is_sent_to_while_it_is_erased_gets_a_code_that_is_good(database_url, figure):
    """However purge and send fall together, the message knows its number, and the code is derived from it."""
    wrong, erased = 0, 0
    for _ in range(ROUNDS):
        numbers = [new_phone() for _ in range(PARALLEL)]
        for number in numbers:
            send_code(number, purpose="login")
        let_pass(days=8)
        outbox.clear()
        start = threading.Barrier(3)

        def send(half, start=start):
            start.wait()
            issued = [send_code(number, purpose="login") for number in half]
            connection.close()
            return issued

        def purge(start=start):
            start.wait()
            rows = sum(batch.rows for batch in retention.purge(batch_size=3))
            connection.close()
            return rows

        with ThreadPoolExecutor(max_workers=3) as pool:
            sending = [pool.submit(send, half) for half in (numbers[::2], numbers[1::2])]
            purging = pool.submit(purge)
            issued = list(itertools.chain.from_iterable(job.result() for job in sending))
            erased += purging.result()
        sent = {text.phone: text.code for text in outbox}
        assert sorted(sent) == sorted(f"+86{number}" for number in numbers)
        for one in issued:
            wrong += verify_code(one.verification_id, sent[one.phone]).outcome is not VerdictOutcome.RIGHT

    figure(
        "codes spoilt by a purge beside their sends", f"{wrong} of {ROUNDS * PARALLEL}, {erased} rows erased [target 0]"
    )
    assert wrong == 0
    assert Recipient.objects.filter(phone=None, messages__erased=False).count() == 0


@pytest.fixture
def takeovers():
    told = []

    def listen(user, previous, **rest):
        told.append((user, previous))

    phone_taken_over.connect(listen)
    yield told
    phone_taken_over.disconnect(listen)


@pytest.mark.parametrize("own", [False, True], ids=["one proof", "a proof each"])
def test_a_number_is_taken_over_once_by_all_who_redeem_for_one_user(database_url, takeovers, figure, own):
    for _ in range(ROUNDS):
        recipient = Recipient().identify(f"+86{new_phone()}")
        recipient.save()
        proofs.redeem(proofs.make(verified(recipient)), purpose="login", user="A")
        tokens = [proofs.make(verified(recipient)) for _ in range(PARALLEL)]
        start = threading.Barrier(PARALLEL)

        def redeem(token, start=start):
            start.wait()
            with contextlib.suppress(proofs.InvalidProof):
                proofs.redeem(token, purpose="login", user="B")
            connection.close()

        with ThreadPoolExecutor(max_workers=PARALLEL) as pool:
            list(pool.map(redeem, tokens if own else tokens[:1] * PARALLEL))
        assert not Verification.objects.verified_within(recipient.phone).filter(redeemed_by="A").exists()

    figure(
        f"takeovers told, {PARALLEL} redeem at once ({'a proof each' if own else 'one proof'})",
        f"{len(takeovers) / ROUNDS:g} ({ROUNDS} rounds) [target 1]",
    )
    assert takeovers == [("B", "A")] * ROUNDS


def verified(recipient):
    """A verification that has just succeeded: its proof is good for ten minutes."""
    verification = Verification.issue(
        recipient, purpose="login", code_length=6, now=timezone.now(), lifetime=timedelta(minutes=5)
    )
    verification.save(force_insert=True)
    Verification.objects.filter(pk=verification.pk).update(verified_at=timezone.now(), seed="")
    return Verification.objects.select_related("recipient").get(pk=verification.pk)
