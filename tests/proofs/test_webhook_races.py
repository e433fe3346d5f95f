"""Pushes from everybody, many at once, and in every order."""

import contextlib
import itertools
import random
import secrets
import select
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode, urlsplit

import pytest
from django.db import connection
from django.urls import Resolver404, resolve
from django.utils import timezone

from django_ihuyi.models import Message, Recipient, Reply, State
from django_ihuyi.models.unmatched_receipts import UnmatchedReceipt
from tests.conftest import url_of
from tests.proofs.support.concurrent_requests import PARALLEL, ROUNDS
from tests.proofs.support.forged_pushes import attack, forgeries
from tests.proofs.support.platform_pushes import (
    FORM,
    OTHER_SECRET,
    PATIENCE,
    SECRET,
    ask,
    new_id,
    order,
    push,
    receipt_of,
    wait_for,
    write_message,
)
from tests.proofs.support.processes import running_platform, running_site
from tests.proofs.support.signal_recorders import notes
from tests.proofs.support.summaries import area_under_curve, spread

pytestmark = pytest.mark.proof

ACCOUNT = "C00000001"
FORGERIES, THREADS = 10_000, 8
SAMPLES = 20_000


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    """The folder in which the site's receivers of signals leave their notes."""
    return tmp_path_factory.mktemp("notes")


@pytest.fixture(scope="module")
def own_platform():
    """A simulator that pushes a receipt at once, and answers the call that it is about half a second later."""
    with running_platform("--no-limits", "--push-delay=0", "--push-retries=0.2,0.2", "--latency=0.5") as platform:
        yield platform


@pytest.fixture(scope="module")
def address(django_db_setup, own_platform, notebook):
    """The site under gunicorn, to which that simulator pushes."""
    environment = {"IHUYI_WEBHOOK_SECRET": f"{SECRET},{OTHER_SECRET}", "PROOF_NOTES": str(notebook)}
    platform_url = own_platform.submit_url
    with running_site(database_url=url_of(connection), platform_url=platform_url, **environment) as address:
        hooks = {
            "receipt_url": f"{address}/webhooks/receipts/{SECRET}/",
            "reply_url": f"{address}/webhooks/replies/{SECRET}/",
        }
        order(own_platform, "accounts", account=ACCOUNT, product="sms", **hooks)
        # A race shows only between workers that have all been at work.
        for _ in range(3):
            push(address, "receipts", [{"smsid": "1", "mobilephone": "13000000000", "code": "2"}] * PARALLEL)
        yield address


@pytest.fixture
def notes_of(notebook):
    """Forget what was told before; return a function that tells what was told since."""
    for file in notebook.iterdir():
        file.unlink()
    return lambda: notes(notebook)


# Forgeries


def test_no_forgery_is_accepted(address, notes_of, figure):
    """F11: neither 200 nor any change, with or without a secret that is nearly right."""
    message = write_message()
    attempts = list(itertools.islice(forgeries(message), FORGERIES))
    with ThreadPoolExecutor(THREADS) as pool:
        statuses = [
            status
            for found in pool.map(lambda n: attack(address, attempts[n::THREADS]), range(THREADS))
            for status in found
        ]

    accepted = sum(status < 400 for status in statuses)
    figure("F11 forgeries accepted", f"{accepted} of {len(statuses)} [target 0]")
    assert (accepted, set(statuses)) == (0, {404, 405, 415})
    message.refresh_from_db()
    assert (message.state, Reply.objects.count(), UnmatchedReceipt.objects.count()) == (State.SUBMITTED, 0, 0)
    assert notes_of() == []


@pytest.mark.once
@pytest.mark.timed
def test_how_much_of_a_secret_is_right_cannot_be_measured(settings, figure):
    """F11: the time of a refusal says nothing of where the first wrong character stands."""
    settings.IHUYI = {**settings.IHUYI, "WEBHOOK_SECRETS": [SECRET, OTHER_SECRET]}
    wrong = ("A" if SECRET[0] != "A" else "B"), ("A" if SECRET[-1] != "A" else "B")
    paths = [f"/webhooks/receipts/{guess}/" for guess in (wrong[0] + SECRET[1:], SECRET[:-1] + wrong[1])]
    times = ([], [])
    for turn in range(SAMPLES + 500):
        # In turns, and in a random order within each: what disturbs the machine disturbs both.
        for which in random.sample((0, 1), 2):
            took = time_of_refusal(paths[which])
            if turn >= 500:
                times[which].append(took)

    auc = area_under_curve(*times)
    figure("F11 first against last wrong character", f"AUC {auc:.3f} of {SAMPLES} pairs [target 0.50 ± 0.03]")
    assert abs(auc - 0.5) <= 0.03


def time_of_refusal(path):
    start = time.perf_counter_ns()
    with contextlib.suppress(Resolver404):
        resolve(path)
    return time.perf_counter_ns() - start


# Replays and orders


@pytest.mark.parametrize("state", [State.SUBMITTED, State.UNKNOWN])
def test_of_two_hundred_replays_one_changes_something(address, notes_of, figure, state):
    """F11: one change and one signal, also where the receipt must first find whose it is."""
    changes = []
    for _ in range(ROUNDS):
        message = write_message(state)
        smsid = message.platform_id or new_id(message.created_at)
        statuses = push(address, "receipts", [receipt_of(message, smsid=smsid)] * PARALLEL)
        assert statuses == [200] * PARALLEL
        message.refresh_from_db()
        assert (message.state, message.platform_id) == (State.DELIVERED, smsid)
        changes.append(notes_of().count(f"message delivered {smsid}"))

    name = f"F11 changes told of {PARALLEL} parallel receipts, {state} before"
    figure(name, f"{spread(changes)} ({ROUNDS} rounds) [target 1]")
    assert changes == [1] * ROUNDS
    assert UnmatchedReceipt.objects.count() == 0


def test_of_two_hundred_repeated_replies_one_is_written(address, notes_of, figure):
    rows = []
    for _ in range(ROUNDS):
        phone, smsid = write_message().phone, secrets.token_hex(10)
        form = {"mobilephone": phone[3:], "content": "TD", "smsid": smsid, "reply_time": "2026-11-24 20:00:00"}
        assert push(address, "replies", [form] * PARALLEL) == [200] * PARALLEL
        rows.append(Reply.objects.filter(recipient__phone=phone).count())
        assert notes_of().count(f"reply {smsid}") == 1
        assert Recipient.objects.get(phone=phone).opted_out_at

    figure(f"F11 rows of {PARALLEL} parallel replies", f"{spread(rows)} ({ROUNDS} rounds) [target 1]")
    assert rows == [1] * ROUNDS


def test_receipts_that_contradict_each_other_end_the_same(address, notes_of):
    for _ in range(ROUNDS):
        message = write_message()
        forms = [receipt_of(message, code=code) for code in ("2", "0")] * (PARALLEL // 2)
        assert push(address, "receipts", random.sample(forms, len(forms))) == [200] * PARALLEL
        message.refresh_from_db()
        assert (message.state, message.receipt_code) == (State.DELIVERED, "2")
        told = [note.split()[1] for note in notes_of() if message.platform_id in note]
        assert sorted(told) in (["delivered"], ["delivered", "undelivered"])


def test_unmatched_receipts_pushed_at_once_are_kept_once(address):
    message = write_message()

    assert push(address, "receipts", [receipt_of(message, smsid="1")] * PARALLEL) == [200] * PARALLEL
    assert UnmatchedReceipt.objects.count() == 1


EVENTS = ["submitted", "delivered", "undelivered", "again"]


def test_every_order_has_one_end(address, figure):
    """W-06: of the answer to the call, two receipts that differ, and a repetition."""
    ends = set()
    orders = list(itertools.permutations(EVENTS))
    for events in orders:
        message, smsid = write_message(State.SENDING), new_id(timezone.now())
        for event in events:
            if event == "submitted":
                sending = Message.objects.filter(pk=message.pk, state=State.SENDING)
                assert sending.update(state=State.SUBMITTED, platform_id=smsid, finished_at=timezone.now())
            else:
                code = {"delivered": "2", "undelivered": "0", "again": "2"}[event]
                assert push(address, "receipts", [receipt_of(message, code=code, smsid=smsid)]) == [200]
        # Any later push will do.
        assert push(address, "receipts", [{"smsid": "1", "mobilephone": "13000000000", "code": "2"}]) == [200]
        message.refresh_from_db()
        ends.add((message.state, message.receipt_code, message.finished_at is not None))

    figure("F11 ends of one message", f"{len(ends)} of {len(orders)} orders [target 1]")
    assert ends == {(State.DELIVERED, "2", True)}


# With the simulator, in a process of its own


@pytest.mark.parametrize(("fate", "delivery"), [("delivered", "delivered"), ("failed", "failed")])
def test_a_receipt_that_comes_before_the_answer_counts_all_the_same(address, own_platform, fate, delivery):
    phone = f"13{secrets.randbelow(10**9):09}"
    order(own_platform, "fates", fate=fate, mobile=phone, times=1, copies=2)

    issued = ask(address, "/api/phone/send-code/", {"phone": phone, "purpose": "login"})
    wait_for(lambda: all(push["state"] == "taken" for push in pushes_of(own_platform, phone)))

    # It came while the call was under way, and so lay aside until somebody asked.
    assert len(pushes_of(own_platform, phone)) == 2
    assert ask(address, f"/api/phone/verifications/{issued['verification_id']}/")["delivery"] == delivery
    message = Message.objects.get(recipient__phone=f"+86{phone}")
    assert message.received_at < message.finished_at
    assert UnmatchedReceipt.objects.count() == 0


def pushes_of(platform, phone):
    return [push for push in ask(platform.address, "/_simulator/pushes") if push["mobile"] == phone]


def test_a_phone_that_answers_is_heard(address, own_platform, notes_of):
    phone = f"13{secrets.randbelow(10**9):09}"
    ask(address, "/api/phone/send-code/", {"phone": phone, "purpose": "login"})

    order(own_platform, "replies", mobile=phone, content="退订😀", copies=3)
    order(own_platform, "replies", mobile=phone, content="退订")
    wait_for(lambda: Reply.objects.filter(recipient__phone=f"+86{phone}").count() == 2)

    assert {reply.content for reply in Reply.objects.filter(recipient__phone=f"+86{phone}")} == {"退订😀", "退订"}
    wait_for(lambda: Recipient.objects.get(phone=f"+86{phone}").opted_out_at)
    assert sum(note.startswith("reply ") for note in notes_of()) == 2


# Bodies


def test_a_body_of_50_megabytes_is_answered_before_it_has_come(address, figure):
    place, size, chunk = urlsplit(address), 50 * 1024 * 1024, b"x" * 65_536
    head = f"POST /webhooks/receipts/{SECRET}/ HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Type: {FORM}\r\n"
    with socket.create_connection((place.hostname, place.port), timeout=PATIENCE) as connection:
        connection.sendall(f"{head}Content-Length: {size}\r\n\r\n".encode())
        sent, answer = 0, b""
        while not answer and sent < size:
            if select.select([connection], [], [], 0.05)[0]:
                answer = connection.recv(64)
            else:
                connection.sendall(chunk)
                sent += len(chunk)

    figure("F11 of 50 MB sent before the refusal", f"{sent // 1024} KiB, {answer[9:12].decode()}")
    assert answer.startswith(b"HTTP/1.1 413")
    assert sent < size // 10


def test_one_byte_more_than_64_kib_is_too_much(address):
    message = write_message()
    room = 64 * 1024 - len(urlencode({**receipt_of(message), "more": ""}))

    sizes = {
        extra: push(address, "receipts", [{**receipt_of(message), "more": "x" * (room + extra)}]) for extra in (1, 0)
    }

    assert sizes == {1: [413], 0: [200]}
