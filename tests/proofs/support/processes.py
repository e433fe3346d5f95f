"""The two programs of a race: the example site under gunicorn, and the platform's simulator."""

import collections
import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent.parent.parent
PATIENCE = 180
WORKERS, THREADS = 8, 4


@contextlib.contextmanager
def running_platform(*flags):
    """Run the simulator in a process of its own, and yield it."""
    command = [sys.executable, "-m", "django_ihuyi.simulator", "127.0.0.1:0", *flags]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with ending(process), process.stdout:
        yield Platform(process.stdout.readline().split()[-1].rstrip("/"))


class Platform:
    """The simulator as a test sees it: what arrived at the phones, and where codes are read."""

    def __init__(self, address):
        self.address = address
        self.submit_url = f"{address}/webservice/sms.php"

    def messages(self, phone=""):
        """Return what arrived at a phone, or at all of them, oldest first."""
        connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request("GET", "/_simulator/messages" + (f"?mobile={phone}" if phone else ""))
            return json.loads(connection.getresponse().read())[::-1]

    def all_messages(self):
        """Return what arrived at all phones, by phone, oldest first."""
        by_phone = collections.defaultdict(list)
        for message in self.messages():
            by_phone[message["mobile"]].append(message)
        return by_phone

    def spoil(self, phone, fault, **order):
        """Order a fault for a phone's messages, as in `spoil(phone, "silence", times=1, taken=True)`."""
        connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=PATIENCE)
        with contextlib.closing(connection):
            order = json.dumps({"fault": fault, "mobile": phone, **order})
            connection.request("POST", "/_simulator/faults", order, {"Content-Type": "application/json"})
            assert connection.getresponse().status == 200

    def code(self, phone):
        """Return the code that the phone got last."""
        return self.messages(phone)[-1]["code"]


@contextlib.contextmanager
def running_site(*, database_url, platform_url, workers=WORKERS, threads=THREADS, log=None, **environment):
    """Run the example site under gunicorn, and yield its address; a `log` of one's own must be open to append to."""
    # Bound here, so that the port is ours from the start and the first request waits for the first worker.
    with (
        socket.create_server(("127.0.0.1", 0), backlog=2048) as listener,
        contextlib.nullcontext(log) if log else tempfile.TemporaryFile("w+") as log,
    ):
        port = listener.getsockname()[1]
        process = subprocess.Popen(
            [
                *[sys.executable, "-m", "gunicorn", "example_project.wsgi", f"--bind=fd://{listener.fileno()}"],
                *[
                    "--config=python:tests.proofs.support.gunicorn_settings",
                    f"--workers={workers}",
                    f"--threads={threads}",
                ],
            ],
            cwd=ROOT,
            env=environ(database_url=database_url, platform_url=platform_url, **environment),
            pass_fds=[listener.fileno()],
            stdout=log,
            stderr=log,
        )
        # From now on it is gunicorn's alone: when that ends, clients are told.
        listener.close()
        try:
            with ending(process):
                yield f"http://127.0.0.1:{port}"
        finally:
            log.seek(0)
            # Shown by pytest beside a failure.
            sys.stdout.write(log.read()[-8000:])


def environ(*, database_url, platform_url, **environment):
    """Return what a process of the site is told."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.proofs.support.settings",
        "DATABASE_URL": database_url,
        "SECRET_KEY": "the-proofs-secret-key-0123456789-abcdefghijklmnopqrstuvwxyz",
        "DEBUG": "0",
        "ALLOWED_HOSTS": "127.0.0.1",
        "IHUYI_ACCOUNT": "C00000001",
        "IHUYI_API_KEY": "0123456789abcdef0123456789abcdef",
        "IHUYI_URL": platform_url,
        "IHUYI_ALLOW_LOOPBACK": "1",
        "IHUYI_CLIENT_LIMITS": "off",
        "IHUYI_CAPTCHA": "off",
        # All threads of a process are in the race; with the example's own figure half of them would be turned away.
        "IHUYI_PLATFORM_CONCURRENCY": str(THREADS),
        **environment,
    }


@contextlib.contextmanager
def ending(process):
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
