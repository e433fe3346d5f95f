"""Run everything that `.ci/run` has no time for, before a release: `python3 tests/release_check.py [--quick]`.

Races, crashes, outages, loads, times, pages in a browser, strangers' clients, the fuzzer and the benchmark, one after
another: leave the machine to it. A failure does not stop it; the end is a summary with all figures. Numbers of your own
win over its own, as in `PROOF_ROUNDS=20 python3 tests/release_check.py`.

Needs Debian's postgresql, mariadb-server, redis-server, chromium, nodejs, npm and tesseract-ocr.
"""

import argparse
import dataclasses
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

if sys.version_info < (3, 10):  # noqa: UP036  (whoever starts it may have any Python)
    sys.exit(f"Python 3.10 or newer is needed; this one is {sys.version_info[0]}.{sys.version_info[1]}.")

sys.path.insert(0, str(ROOT))

from example_project import environment  # noqa: E402  (an older Python must reach the line above)

# The other numbers are those of the proofs themselves.
FULL = {"PROOF_PAIRS": "5000", "PROOF_BULK_NOTICES": "10000"}
QUICK = {
    "PROOF_PURGE_ROWS": "400000",
    "PROOF_ROUNDS": "3",
    "PROOF_PICTURES": "200",
    "PROOF_FUZZ_SECONDS": "10",
    "PROOF_FAILURES_ONE_IN": "2",
    "PROOF_SPENDING_HOURS": "1",
}
TIMED = ("--proofs", "-m", "proof and timed")
COUNTED = ("--proofs", "-m", "proof and not timed")
# On a further database: without what has no part of the database in it.
AGAIN = ("--proofs", "-m", "proof and not once and not timed")
CANARIES = "tests/proofs/test_canaries.py"


@dataclasses.dataclass(frozen=True)
class Step:
    """A run of tests: on which servers, with which of pytest's arguments, and about how many minutes it takes."""

    services: str
    arguments: tuple
    minutes: int
    quick_minutes: int

    @property
    def command(self):
        runtests = [sys.executable, "tests/runtests.py", *self.arguments]
        if not self.services:
            return runtests
        return [sys.executable, "tests/services.py", *self.services.split(), "--", *runtests]


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """The comparison with other packages, which starts PostgreSQL by itself."""

    services: str = "postgresql"
    arguments: tuple = ()
    minutes: int = 7
    quick_minutes: int = 7

    @property
    def command(self):
        return [sys.executable, "tests/benchmark/run.py"]


STEPS = {
    # CI has run it, too; its figures belong to the list.
    "suite": Step("postgresql redis", (), 5, 5),
    "timed": Step("postgresql redis", TIMED, 35, 12),
    "proofs": Step("postgresql redis", (*COUNTED, "tests/proofs", f"--ignore={CANARIES}"), 22, 10),
    # What is about queues, and not about what lies in the database, is for PostgreSQL only.
    "mariadb": Step(
        "mariadb redis",
        (
            *(*AGAIN, "-k", "not celery"),
            *("tests/proofs", "--ignore=tests/proofs/test_bulk.py", "--ignore=tests/proofs/test_dispatchers.py"),
        ),
        8,
        5,
    ),
    # What a small site lives by.
    "sqlite": Step(
        "",
        (
            *AGAIN,
            *("tests/proofs/test_crashes.py", "tests/proofs/test_guess_races.py", "tests/proofs/test_send_races.py"),
        ),
        3,
        2,
    ),
    "canaries": Step("", (*COUNTED, CANARIES), 2, 2),
    # Pages in a browser, strangers' clients, the fuzzer, the servers.
    "others": Step("", (*COUNTED, "tests", "--ignore=tests/proofs"), 3, 3),
    "benchmark": Benchmark(),
}


def main(arguments, *, steps):
    options = parse(arguments, steps)
    if options.list:
        for name, step in steps.items():
            print(f"{name:10} about {step.minutes} min, {step.quick_minutes} with --quick; {step.services or 'sqlite'}")
        return 0
    names = options.only or list(steps)
    minutes = sum(steps[name].quick_minutes if options.quick else steps[name].minutes for name in names)
    print(f"{len(names)} steps: {', '.join(names)}. About {minutes} minutes, alone on the machine.", flush=True)
    environ = (QUICK if options.quick else FULL) | os.environ
    began, told, figures = time.monotonic(), [], []
    for number, name in enumerate(names, start=1):
        elapsed = environment.spell(time.monotonic() - began)
        print(f"\n=== {number} of {len(names)}: {name} ({elapsed} so far)", flush=True)
        started = time.monotonic()
        status, lines = run(steps[name].command, environ)
        state = "ok" if status == 0 else f"FAILED ({status})"
        told.append(f"{state:12} {environment.spell(time.monotonic() - started):>13}  {name}")
        told += [line for line in lines if line.startswith(("FAILED tests/", "ERROR tests/"))]
        figures += [f"{line}  ({steps[name].services or 'sqlite'})" for line in figures_in(lines)]
    print("\n=== Figures", *sorted(figures, key=by_number), sep="\n")
    print("\n=== Summary", *told, f"Took {environment.spell(time.monotonic() - began)}.", sep="\n")
    return 1 if any(line.startswith("FAILED") for line in told) else 0


def parse(arguments, steps):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="tell the steps, and how long each takes")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=steps, help="run these steps only")
    parser.add_argument("--quick", action="store_true", help="take small numbers: less than an hour in all")
    return parser.parse_args(arguments)


def run(command, environ):
    """Run a command, show what it prints, and return its exit status with the lines."""
    lines = []
    with subprocess.Popen(
        command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
        errors="replace",
    ) as process:  # fmt: skip
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line.rstrip())
    return process.returncode, lines


def figures_in(lines):
    """Return the lines of pytest's section "figures"."""
    found, is_inside = [], False
    for line in lines:
        if re.fullmatch(r"=+ .* =+", line):
            is_inside = line.strip("= ") == "figures"
        elif is_inside and line:
            found.append(line)
    return found


def by_number(figure):
    """Sort F2 before F10, and figures without a number after all of them."""
    number = re.match(r"F(\d+)\b", figure)
    return (0, int(number[1]), figure) if number else (1, 0, figure)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], steps=STEPS))
