"""A platform that hangs, and one that is dead: the site keeps serving, and leaves it alone."""

import contextlib
import dataclasses
import http.client
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from django.db import connection

from tests.conftest import url_of
from tests.proofs.support.broken_platforms import hanging, hanging_up
from tests.proofs.support.processes import PATIENCE, running_site
from tests.proofs.support.site_client import Site, judge, new_phone, send

pytestmark = [pytest.mark.proof, pytest.mark.timed]

WORKERS, THREADS, BULKHEAD = 2, 4, 2
SENDERS = 8
#: Of the five guesses that each code has, two are made while the platform is well, and two while it hangs.
CODES, GUESSES = 100, 2
#: Long enough for three calls that hang after each other, after which the breakers open.
SECONDS = 30
#: Of a busy machine with two cores nothing tight is asked; the figures say what was measured.
NOISE = 10
PAUSE = 30
SENDS, MINUTE = 1000, 60


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """An answer, and the seconds that it took."""

    answer: object
    seconds: float


def timed(ask, *arguments):
    began = time.monotonic()
    answer = ask(*arguments)
    return Timed(answer=answer, seconds=time.monotonic() - began)


def p99(times):
    return statistics.quantiles([timed.seconds for timed in times], n=100)[-1]


def median(times):
    return statistics.median(timed.seconds for timed in times)


def milliseconds(seconds):
    return f"{seconds * 1000:.0f} ms"


@contextlib.contextmanager
def running(platform, platform_url):
    """Run the site with as many calls at once as the example allows where nothing else is said."""
    environment = {"database_url": url_of(connection), "platform_url": platform_url, "IHUYI_PLATFORM_CONCURRENCY": ""}
    with running_site(workers=WORKERS, threads=THREADS, **environment) as address:
        yield Site(address, platform)


def test_a_platform_that_hangs_leaves_half_of_the_threads_to_the_rest_of_the_site(platform, figure):
    """F14: under gunicorn with two workers of four threads, while eight people ask for codes without a break."""
    with hanging(platform.submit_url) as road, running(platform, road.url) as site:
        codes = [site.ask(send(new_phone())) for _ in range(CODES)]
        well = observe(site, codes)

        road.is_hanging.set()
        down = observe(site, codes)
        held = road.most_held

        road.is_hanging.clear()
        revival = time_until_sending_works(site)

    turned_away = [sent for sent in down.sent if sent.answer.status == 503]
    stuck = [sent for sent in down.sent if sent.answer.status != 503]
    longest, slowest_503 = max(s.seconds for s in stuck), max(s.seconds for s in turned_away)
    more = p99(down.guesses) - p99(well.guesses)
    figure(
        "F14 the platform hangs: p99 of verify",
        f"{milliseconds(p99(well.guesses))} before, {milliseconds(p99(down.guesses))} meanwhile [target + 50 ms]",
    )
    figure(
        "F14 p99 of another page", f"{milliseconds(p99(well.pages))} before, {milliseconds(p99(down.pages))} meanwhile"
    )
    figure("F14 longest answer to a send", f"{longest:.2f} s of {len(stuck)} that got through [target at most 8.0 s]")
    figure("F14 requests stuck at once", f"{held} of {WORKERS * THREADS} threads [target at most {WORKERS * BULKHEAD}]")
    figure(
        "F14 time of the 503s",
        f"median {milliseconds(median(turned_away))}, p99 {milliseconds(p99(turned_away))}, "
        f"{len(turned_away)} of them [target 100 ms]",
    )
    figure("F14 sending works again after", f"{revival:.1f} s [target at most {PAUSE} s and a call]")
    assert {answer.status for answer in map(answer_of, down.guesses)} == {400}
    assert set(map(answer_of, down.pages)) == {200}
    assert more <= 0.05 * NOISE
    assert longest <= 8.0 + 0.1 * NOISE
    assert held <= WORKERS * BULKHEAD
    assert slowest_503 <= 0.1 * NOISE
    assert all(sent.answer.retry_after for sent in turned_away)
    assert revival <= PAUSE + 8


def test_a_dead_platform_is_left_alone(platform, figure):
    """F15: a host that hangs up in the handshake, so that each message certainly did not leave and might be retried."""
    with hanging_up() as host, running(platform, host.url) as site, ThreadPoolExecutor(SENDERS) as pool:
        began = time.monotonic()
        asking = [pool.submit(ask_at, site, began + number * MINUTE / SENDS) for number in range(SENDS)]
        answers = [future.result() for future in asking]
        took = time.monotonic() - began
        connections = host.connections

    most = WORKERS * (5 + int(took // PAUSE))
    figure(
        "F15 connections to a dead platform",
        f"{connections} for {SENDS} sends in {took:.0f} s by {WORKERS} processes [target at most {most}]",
    )
    assert {answer.status for answer in answers} == {503}
    assert WORKERS <= connections <= most


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was measured while people asked for codes."""

    sent: list
    guesses: list
    pages: list


def observe(site, codes):
    """Measure guesses and another page while others ask for codes without a break."""
    over = threading.Event()
    with ThreadPoolExecutor(SENDERS) as pool:
        asking = [pool.submit(keep_asking, site, over) for _ in range(SENDERS)]
        try:
            guesses, pages = measure(site, codes)
        finally:
            over.set()
        sent = [answer for future in asking for answer in future.result()]
    return Observed(sent=sent, guesses=guesses, pages=pages)


def measure(site, codes):
    guesses, pages = [], []
    began = time.monotonic()
    shots = [code for code in codes for _ in range(GUESSES)]
    for number, code in enumerate(shots):
        wait_until(began + number * SECONDS / len(shots))
        guesses.append(timed(site.ask, judge(code)))
        pages.append(timed(status_of_page, site.address))
    return guesses, pages


def keep_asking(site, over):
    sent = []
    while not over.wait(0.5):
        sent.append(timed(site.ask, send(new_phone())))
    return sent


def ask_at(site, moment):
    wait_until(moment)
    return site.ask(send(new_phone()))


def wait_until(moment):
    time.sleep(max(moment - time.monotonic(), 0))


def status_of_page(address):
    with contextlib.closing(http.client.HTTPConnection(urlsplit(address).netloc, timeout=PATIENCE)) as page:
        page.request("GET", "/")
        response = page.getresponse()
        response.read()
        return response.status


def answer_of(timed):
    return timed.answer


def time_until_sending_works(site):
    """Ask now and then, on both processes, until ten codes in a row have left."""
    began, row, last_refusal = time.monotonic(), 0, time.monotonic()
    while row < 10:
        row = row + 1 if site.ask(send(new_phone())).status == 202 else 0
        if not row:
            last_refusal = time.monotonic()
            assert last_refusal - began < PATIENCE
            time.sleep(0.2)
    return last_refusal - began
