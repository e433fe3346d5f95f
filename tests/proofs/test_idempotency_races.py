"""Requests with one Idempotency-Key from all sides at once, and from those whose worker was killed."""

import os
import secrets
import signal
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from django_ihuyi.models import Verification
from tests.conftest import url_of
from tests.proofs.support.concurrent_requests import PARALLEL, ROUNDS, fire
from tests.proofs.support.failpoints import arm
from tests.proofs.support.processes import PATIENCE, running_site
from tests.proofs.support.site_client import REDEEM, VERIFY, new_phone, send
from tests.proofs.support.summaries import spread
from tests.support.time_travel import let_pass

pytestmark = pytest.mark.proof

NOBODYS = VERIFY, {"verification_id": "0" * 32, "code": "123456"}


def with_key(request):
    """Return the request with a key of its own."""
    return *request, {"Idempotency-Key": secrets.token_hex()}


def test_one_key_sends_one_message(site, figure):
    """Of all who send the same request one is served; the others get its answer, or are told to wait for it."""
    arrived, same = [], []
    for _ in range(ROUNDS):
        phone = new_phone()
        request = with_key(send(phone))
        answers = site.fire([request] * PARALLEL)
        arrived.append(len(site.platform.messages(phone)))
        same.append(count_same(answers, status=202))
        assert {answer.content for answer in answers if answer.status == 202} == {site.ask(request).content}

    figure(
        "messages for one Idempotency-Key",
        f"{spread(arrived)} of {PARALLEL} ({ROUNDS} rounds), {spread(same)} same answers, the others 409 [target 1]",
    )
    assert arrived == [1] * ROUNDS


def test_one_key_makes_one_proof(site, figure):
    """A right guess from all sides: one proof, given to each who is answered with more than a 409."""
    same = []
    for _ in range(ROUNDS):
        request = with_key(site.issue().right)
        answers = site.fire([request] * PARALLEL)
        same.append(count_same(answers, status=200))
        assert {answer.content for answer in answers if answer.status == 200} == {site.ask(request).content}

    figure(
        "proofs for one Idempotency-Key", f"1 of {PARALLEL} ({ROUNDS} rounds), {spread(same)} same answers [target 1]"
    )


def test_one_key_spends_one_attempt(site, figure):
    attempts = []
    for _ in range(ROUNDS):
        issued = site.issue()
        [guess] = issued.wrong(1)
        count_same(site.fire([with_key(guess)] * PARALLEL), status=400)
        attempts.append(Verification.objects.get(pk=issued.verification_id).attempts)

    figure("attempts for one Idempotency-Key", f"{spread(attempts)} of {PARALLEL} ({ROUNDS} rounds) [target 1]")
    assert attempts == [1] * ROUNDS


def test_a_key_whose_time_is_over_is_taken_over_by_one(site, figure):
    arrived = []
    for _ in range(ROUNDS):
        phone = new_phone()
        request = with_key(send(phone))
        first = site.ask(request)
        let_pass(days=2)
        answers = site.fire([request] * PARALLEL)
        arrived.append(len(site.platform.messages(phone)) - 1)
        count_same(answers, status=202)
        assert first.content not in {answer.content for answer in answers}

    figure("messages for one expired Idempotency-Key", f"{spread(arrived)} of {PARALLEL} ({ROUNDS} rounds) [target 1]")
    assert arrived == [1] * ROUNDS


def test_the_key_of_a_worker_that_was_killed_in_flight_can_be_used_again(site, figure):
    """The platform never answers, the worker is killed; whoever repeats waits for a minute at most."""
    phone = new_phone()
    request = with_key(send(phone))
    with socket.create_server(("127.0.0.1", 0)) as silence:
        silence.settimeout(PATIENCE)
        url = f"http://127.0.0.1:{silence.getsockname()[1]}/webservice/sms.php"
        with running_site(database_url=url_of(connection), platform_url=url, workers=1) as address:
            kill_in_flight(address, request, silence)

    answers = [site.ask(request)]
    let_pass(seconds=30)
    answers.append(site.ask(request))
    let_pass(seconds=30)
    answers += [site.ask(request) for _ in range(2)]

    told = [answer.code or answer.status for answer in answers]
    figure("an Idempotency-Key after kill -9 in flight", f"at 0, 30, 60, 60 s: {told}")
    assert told == ["idempotency_in_progress", "idempotency_in_progress", 202, 202]
    assert answers[2].content == answers[3].content
    assert len(site.platform.messages(phone)) == 1


def test_a_proof_outlives_the_worker_that_was_killed_before_it_could_answer(site, tmp_path, figure):
    """C16: the guess is counted, and nobody was told."""
    issued = site.issue()
    request = with_key(issued.right)
    kill_before_the_answer(request, tmp_path)

    answers = [site.ask(request) for _ in range(2)]
    redeemed = site.ask((REDEEM, {"proof": answers[0].body["proof"]}))
    answers.append(site.ask(request))

    told = [answer.code or answer.status for answer in answers]
    figure("C16, a right guess, kill -9 after the commit", f"repeated, repeated, redeemed, repeated: {told}")
    assert told == [200, 200, "code_expired"]
    assert (answers[0].content, redeemed.status < 300) == (answers[1].content, True)


def test_an_attempt_is_spent_once_although_the_worker_was_killed_before_it_could_answer(site, tmp_path, figure):
    issued = site.issue()
    [guess] = issued.wrong(1)
    request = with_key(guess)
    kill_before_the_answer(request, tmp_path)

    told = [site.ask(request).body.get("attempts_left") for _ in range(2)]

    attempts = Verification.objects.get(pk=issued.verification_id).attempts
    figure("C16, a wrong guess, kill -9 after the commit", f"{attempts} attempt for 3 requests [target 1]")
    assert (told, attempts) == ([4, 4], 1)


def count_same(answers, *, status):
    """Return how many were answered, all with the same bytes; the others were told to come back in a moment."""
    done = [answer.content for answer in answers if answer.status == status]
    told = {(answer.status, answer.code, answer.retry_after) for answer in answers if answer.status != status}
    assert len(set(done)) == 1
    assert told <= {(409, "idempotency_in_progress", "1")}
    return len(done)


def kill_in_flight(address, request, platform):
    """Send the request, and kill the worker when it calls the platform."""
    [greeting] = fire(address, [NOBODYS])
    with ThreadPoolExecutor(max_workers=1) as pool:
        answers = pool.submit(fire, address, [request])
        call, _ = platform.accept()
        with call:
            os.kill(int(greeting.worker), signal.SIGKILL)
            with pytest.raises(ConnectionError):
                answers.result(PATIENCE)


def kill_before_the_answer(request, folder):
    """Send the request to a site, on the same database, whose worker is killed when the guess is counted."""
    away = "http://127.0.0.1:9/webservice/sms.php"
    environment = {"database_url": url_of(connection), "platform_url": away, "PROOF_FAILPOINTS": str(folder)}
    arm(folder, "C16")
    with running_site(workers=1, **environment) as address, pytest.raises(ConnectionError):
        fire(address, [request])
