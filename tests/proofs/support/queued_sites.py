"""The example site behind a queue: the workers as processes of their own, and what lies in the queue."""

import base64
import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

from django.db import connection

from tests.proofs.support.processes import PATIENCE, ROOT, environ, running_site
from tests.proofs.support.site_client import Site

#: So many look for work at once; Celery's are the children of one process.
WORKERS = 3


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """One dispatcher of the example site, and all that its processes are told."""

    name: str
    platform: object
    environment: dict

    @contextlib.contextmanager
    def site(self, **environment):
        """Run the site under gunicorn."""
        with running_site(**{**self.environment, **environment}, workers=2) as address:
            yield Site(address, self.platform)

    @contextlib.contextmanager
    def workers(self, *, count=WORKERS):
        """Run so many workers, and yield them when they listen."""
        crews = [Crew(words, self.environ) for words in self._commands(count)]
        try:
            for crew in crews:
                crew.wait_until_ready()
            yield Crews(crews)
        finally:
            for crew in crews:
                crew.end()

    def run(self, program, **environment):
        """Run a program in a process of the site, and return what it prints as JSON."""
        return json.loads(finish(self.start(program, **environment)))

    def start(self, program, **environment):
        """Start a program in a process of the site."""
        words = [sys.executable, "-c", f"import django, json\ndjango.setup()\n{program}"]
        return self._spawn(words, **environment)

    def manage(self, *words):
        """Start a command of the site."""
        return self._spawn([sys.executable, "example_project/manage.py", *words])

    def _spawn(self, words, **environment):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        return subprocess.Popen(words, cwd=ROOT, env={**self.environ, **environment}, **pipes)

    @property
    def environ(self):
        return environ(**self.environment)

    def dump(self):
        """Return all that the queue stores, in one text, and unwrapped where it is encoded."""
        return {"inline": str, "tasks": dump_tasks, "celery": self._dump_redis}[self.name]()

    def _dump_redis(self):
        import redis  # noqa: PLC0415 - only where there is one

        with redis.Redis.from_url(self.environment["REDIS_URL"]) as server:
            return "\n".join(read_value(server, key) for key in server.scan_iter())

    def _commands(self, count):
        if self.name == "tasks":
            # A start without delay, so that the first code does not wait for it.
            words = ["example_project/manage.py", "db_worker", "--interval=0.1", "--no-startup-delay"]
            return [words] * count
        if self.name == "celery":
            words = ["-m", "celery", "-A", "example_project", "worker", f"--concurrency={count}", "--loglevel=INFO"]
            return [[*words, "--without-gossip", "--without-mingle"]]
        return []


class Crew:
    """One program of workers, with its children."""

    def __init__(self, words, environment):
        self._log = tempfile.NamedTemporaryFile("w+")  # noqa: SIM115 - lives as long as the process
        self.process = subprocess.Popen(
            [sys.executable, *words], cwd=ROOT, env=environment, stdout=self._log, stderr=self._log,
            start_new_session=True,
        )  # fmt: skip

    def wait_until_ready(self):
        deadline = time.monotonic() + PATIENCE
        while not any(word in self.read_log() for word in (" ready.", "Starting worker")):
            assert self.process.poll() is None, self.read_log()
            assert time.monotonic() < deadline, self.read_log()
            time.sleep(0.05)

    def read_log(self):
        with open(self._log.name) as log:  # noqa: PTH123
            return log.read()

    def signal(self, number):
        """Tell all of its processes, which are a session of their own."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def end(self):
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self.process.wait()
        # Shown by pytest beside a failure.
        sys.stdout.write(self.read_log()[-8000:])
        self._log.close()


@dataclasses.dataclass(frozen=True, slots=True)
class Crews:
    """All workers of a queue."""

    crews: list

    def signal(self, number):
        for crew in self.crews:
            crew.signal(number)

    def kill(self):
        """Kill them at once, wherever they are."""
        self.signal(signal.SIGKILL)
        for crew in self.crews:
            crew.process.wait()

    def read_log(self):
        return "".join(crew.read_log() for crew in self.crews)


def finish(process, answer=None, *, patience=PATIENCE):
    """Wait for the end of a process that must succeed; return what it printed."""
    output, _ = process.communicate(answer, timeout=patience)
    assert process.returncode == 0
    return output


def wait_until(condition, *, patience=PATIENCE):
    """Wait for something that other processes bring about."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def make_tables(queue):
    """Make the tables of the queue, which the suite's own database lacks."""
    if queue.name == "tasks":
        finish(queue.manage("migrate", "django_tasks_database", "--verbosity=0"))


def task_tables():
    tables = connection.introspection.table_names()
    return [table for table in tables if table.startswith("django_tasks_database")]


def dump_tasks():
    rows = []
    for table in task_tables():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {table}")
            rows += cursor.fetchall()
    return "\n".join(str(row) for row in rows)


def read_value(server, key):
    """Return a key of Redis with its value; Celery wraps a task's arguments in base64."""
    readers = {b"list": lambda: server.lrange(key, 0, -1), b"hash": lambda: server.hgetall(key).values(),
               b"set": lambda: server.smembers(key), b"zset": lambda: server.zrange(key, 0, -1),
               b"string": lambda: [server.get(key)]}  # fmt: skip
    values = [value.decode() for value in readers[server.type(key)]()]
    return "\n".join([key.decode(), *values, *map(unwrap, values)])


def unwrap(text):
    try:
        return base64.b64decode(json.loads(text)["body"]).decode()
    except (ValueError, TypeError, KeyError):
        return ""
