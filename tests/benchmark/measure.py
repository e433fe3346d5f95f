"""The measurement itself; run.py starts it, with everything in its environment."""

import argparse
import collections
import contextlib
import os
import subprocess
import sys
from urllib.parse import urlsplit

import django
import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from django.test import Client

django.setup()

from tests.benchmark import report  # noqa: E402  (models need the line above)
from tests.benchmark.contestants import CONTESTANTS, OURS, PHONE_VERIFY, empty  # noqa: E402
from tests.benchmark.filling import fill  # noqa: E402
from tests.benchmark.load import fire  # noqa: E402
from tests.proofs.support.processes import ROOT, ending, running_site  # noqa: E402

SEND, VERIFY = "send", "verify"
SMALL, BIG = "default", "big"
FEW_ROWS = 1000


def main():
    parser = argparse.ArgumentParser()
    for name in ("rounds", "requests", "workers", "threads", "rows"):
        parser.add_argument(f"--{name}", type=int, required=True)
    options = parser.parse_args()
    with platform() as count_connections, databases(), sites(options) as addresses:
        bench = Bench(options, addresses, count_connections)
        statements = count_statements()
        compared = bench.compare()
        sizes = bench.compare_sizes()
    return report.tell(options, statements=statements, compared=compared, sizes=sizes)


class Bench:
    """Two sites that differ only in their databases, and what they are measured with."""

    def __init__(self, options, addresses, count_connections):
        self.options = options
        self.addresses = addresses
        self.count_connections = count_connections
        self.threads = options.workers * options.threads

    def compare(self):
        """Measure all contestants in turns, each round beginning with empty tables."""
        measured = collections.defaultdict(list)
        self.round(CONTESTANTS, collections.defaultdict(list))  # warm
        for number in range(self.options.rounds):
            print(f"round {number + 1} of {self.options.rounds}", file=sys.stderr, flush=True)
            self.round(CONTESTANTS, measured)
        return measured

    def round(self, contestants, measured):
        for kind in (SEND, VERIFY):
            for contestant in contestants:
                empty(using=SMALL)
                measured[contestant, kind].append(self.measure(contestant, kind, using=SMALL))

    def compare_sizes(self):
        """Measure the same with few and with many rows in the tables, in turns."""
        print(f"filling tables with {self.options.rows} rows", file=sys.stderr, flush=True)
        fill(FEW_ROWS, using=SMALL)
        fill(self.options.rows, using=BIG)
        measured = collections.defaultdict(list)
        for number in range(self.options.rounds + 1):
            for contestant, kind, using in [
                *((OURS, kind, using) for kind in (SEND, VERIFY) for using in (SMALL, BIG)),
                *((PHONE_VERIFY, VERIFY, using) for using in (SMALL, BIG)),
            ]:
                count = self.options.requests // (1 if contestant is OURS else 20)
                measurement = self.measure(contestant, kind, using=using, count=count)
                if number:  # the first round warms
                    measured[contestant, kind, using].append(measurement)
        return measured

    def measure(self, contestant, kind, *, using, count=None):
        count = count or self.options.requests
        if kind == SEND:
            requests, expect = contestant.sends(count), contestant.send_status
        else:
            requests, expect = contestant.verifies(count, using=using), contestant.verify_status
            with connections[using].cursor() as cursor:
                cursor.execute("ANALYZE")
        self.count_connections()
        measurement = fire(self.addresses[using], requests, connections=self.threads, expect=expect)
        return measurement, self.count_connections()


def count_statements():
    """Count the statements of one request of each kind, without BEGIN and COMMIT."""
    counts = {}
    for contestant in CONTESTANTS:
        [request] = contestant.sends(1)
        counts[contestant, SEND] = count_one(request, expect=contestant.send_status)
        [request] = contestant.verifies(1, using=SMALL)
        counts[contestant, VERIFY] = count_one(request, expect=contestant.verify_status)
    return counts


def count_one(request, *, expect):
    path, body = request
    statements = []

    def note(execute, sql, *rest):
        statements.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        answer = Client().post(path, body, content_type="application/json", headers={"host": "127.0.0.1"})
    assert answer.status_code == expect, answer.content
    return len(statements)


@contextlib.contextmanager
def platform():
    """Run the stand-in for the platform; yields a function that counts the connections opened since its last call."""
    port = urlsplit(settings.PLATFORM_URL).port
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmark.stand_in", str(port)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def count():
        process.stdin.write("\n")
        process.stdin.flush()
        return int(process.stdout.readline())

    with ending(process), process.stdin, process.stdout:
        count()  # it listens when it answers
        yield count


@contextlib.contextmanager
def databases():
    """Make the two databases, and drop them in the end."""
    names = [settings.DATABASES[alias]["NAME"] for alias in (SMALL, BIG)]
    with psycopg.connect(os.environ["BENCHMARK_SERVER"], autocommit=True) as server:
        for name in names:
            server.execute(f"DROP DATABASE IF EXISTS {name}")
            server.execute(f"CREATE DATABASE {name}")
        try:
            for alias in (SMALL, BIG):
                call_command("migrate", database=alias, run_syncdb=True, verbosity=0)
            yield
        finally:
            connections.close_all()
            for name in names:
                server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextlib.contextmanager
def sites(options):
    """Run a site on each database, with the same workers and threads; yields their addresses."""
    how = {
        "platform_url": settings.PLATFORM_URL,
        "workers": options.workers,
        "threads": options.threads,
        "DJANGO_SETTINGS_MODULE": "tests.benchmark.settings",
        "SECRET_KEY": settings.SECRET_KEY,
    }
    small, big = os.environ["DATABASE_URL"], os.environ["BENCHMARK_BIG_DATABASE_URL"]
    with running_site(database_url=small, **how) as first, running_site(database_url=big, **how) as second:
        yield {SMALL: first, BIG: second}


if __name__ == "__main__":
    sys.exit(main())
