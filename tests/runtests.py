"""Run the whole test suite with nothing but Python: `python3 tests/runtests.py [--proofs] [arguments for pytest]`.

The first start makes a virtual environment beside the sources, the next ones find it made.

--proofs          run the long proofs (races, crashes, outages, load, the browser) instead, one after another
DATABASE_URL      the database to run on, as in postgres://user:password@host:port/name; SQLite without it
REDIS_URL         the cache to run on, as in redis://host:port/0; the process's memory without it
DJANGO            the version of Django to run on, as in ~=5.2.0; the newest without it
CONSTRAINTS       a file of versions for pip's -c, as in tests/floors.txt; the newest versions without it
"""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

if sys.version_info < (3, 10):  # noqa: UP036  (whoever starts it may have any Python)
    sys.exit(f"Python 3.10 or newer is needed; this one is {sys.version_info[0]}.{sys.version_info[1]}.")

sys.path.insert(0, str(ROOT))

from example_project import environment  # noqa: E402  (an older Python must reach the line above)

# Any of these says that the caller wants one process, or has chosen already.
ABOUT_PROCESSES = ("-n", "--numprocesses", "--dist", "--pdb", "--trace", "-s", "--capture", "--co", "--collect")


def main(arguments):
    began = time.monotonic()
    python = environment.make(
        "test", django=os.environ.get("DJANGO", ""), constraints=os.environ.get("CONSTRAINTS", "")
    )
    installed = time.monotonic()
    status = subprocess.run([str(python), "-m", "pytest", *pytest_arguments(arguments)], cwd=ROOT).returncode
    print(environment.time_taken(time.monotonic() - began, installing=installed - began))
    return status


def pytest_arguments(arguments):
    if "--proofs" in arguments:
        # A race is judged on a machine that does nothing else.
        return ["-m", "proof", "-n", "0", *(argument for argument in arguments if argument != "--proofs")]
    if any(argument.startswith(ABOUT_PROCESSES) for argument in arguments):
        return arguments
    return ["-n", str(min(os.cpu_count() or 1, 4)), "--dist", "worksteal", *arguments]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
