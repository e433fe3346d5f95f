"""Measure django_ihuyi beside a bare view and django-phone-verify: `python3 tests/benchmark/run.py [--help]`.

Plain standard library: makes the environment, starts PostgreSQL unless told of one, and hands over to measure.py.
"""

import argparse
import contextlib
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[0] = str(ROOT)

from example_project import environment  # noqa: E402  (the line above makes it importable)
from tests import services  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database-url", help="a PostgreSQL whose user may create databases; its own one without it")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=2000, help="of each kind, for each contestant, in a round")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--rows", type=int, default=1_000_000, help="in each table of the large database")
    options = parser.parse_args()
    python = environment.make("benchmark")
    figures = [f"--{name}={getattr(options, name)}" for name in ("rounds", "requests", "workers", "threads", "rows")]
    with database(options.database_url) as url:
        command = [str(python), "-m", "tests.benchmark.measure", *figures]
        return subprocess.run(command, cwd=ROOT, env=os.environ | surroundings(url)).returncode


def surroundings(database_url):
    """Return what the site, the contestants and the program that measures are told."""
    server = urlsplit(database_url)
    return {
        "DJANGO_SETTINGS_MODULE": "tests.benchmark.settings",
        "BENCHMARK_SERVER": database_url,
        "DATABASE_URL": server._replace(path="/benchmark_small").geturl(),
        "BENCHMARK_BIG_DATABASE_URL": server._replace(path="/benchmark_big").geturl(),
        "SECRET_KEY": "the-benchmarks-secret-key-0123456789-abcdefghijklmnopqrstuvwxyz",
        "DEBUG": "0",
        "ALLOWED_HOSTS": "127.0.0.1",
        "IHUYI_ACCOUNT": "C00000001",
        "IHUYI_API_KEY": "0123456789abcdef0123456789abcdef",
        "IHUYI_URL": f"http://127.0.0.1:{services.free_port()}/webservice/sms.php",
        "IHUYI_ALLOW_LOOPBACK": "1",
        "IHUYI_CLIENT_LIMITS": "off",
        "IHUYI_CAPTCHA": "off",
    }


@contextlib.contextmanager
def database(url):
    if url:
        yield url
        return
    # Durable: a commit costs what it costs on a real server.
    with services.running("postgresql", durable=True) as [server]:
        yield server.url


if __name__ == "__main__":
    sys.exit(main())
