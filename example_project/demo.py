"""Verify a phone on a machine that has only Python: `python3 example_project/demo.py [--once]`.

Creates a virtual environment, migrates an SQLite database, starts the example site with the simulator in it, verifies a
phone over HTTP and prints each request and response. Then it serves the site until Ctrl-C. With `--once` it exits
instead, with status 0 only if every step succeeded.
"""

import contextlib
import json
import os
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

if sys.version_info < (3, 10):  # noqa: UP036  (any Python may start this file)
    sys.exit(f"Python 3.10 or newer is needed; this one is {sys.version_info[0]}.{sys.version_info[1]}.")

sys.path.insert(0, str(ROOT))

from example_project import environment  # noqa: E402  (an older Python must reach sys.exit first)

MANAGE = ROOT / "example_project" / "manage.py"
DATABASE = ROOT / "example_project" / "db.sqlite3"
MIGRATIONS = ROOT / "django_ihuyi" / "migrations"
PATIENCE = 60
# Variables of a real deployment, which the demonstration must not touch.
DEPLOYMENT = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DEBUG", "ALLOWED_HOSTS", "DJANGO_SETTINGS_MODULE")


class StepFailed(Exception):
    """The response is not the expected one."""


def main(arguments):
    if set(arguments) - {"--once"}:
        sys.exit(__doc__)
    # The SMS is in Chinese, which some consoles of Windows cannot print.
    sys.stdout.reconfigure(errors="backslashreplace")
    # sys.exit runs the `finally` of serve(), which ends the site. SIGTERM by default would leave it running.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    began = time.monotonic()
    python = environment.make("example")
    installed = time.monotonic()
    set_aside_older(DATABASE)
    manage(python, "migrate", "--verbosity", "0")
    with serve(python) as (address, site):
        verify_a_phone(address)
        print(environment.time_taken(time.monotonic() - began, installing=installed - began), flush=True)
        if "--once" not in arguments:
            print(f"\nThe example site:   {address}/")
            print(f"The simulator:      {address}/_simulator/")
            print("Press Ctrl-C to end it.", flush=True)
            site.wait()


# The steps


def verify_a_phone(address):
    # A new number each time, because a number may get five messages a day.
    phone = f"138{secrets.randbelow(10**8):08}"

    title("1. A page asks for a code")
    sent = ask(address + "/api/phone/send-code/", {"phone": phone, "purpose": "register"}, expect=202)

    title("2. The SMS arrives, at the simulator")
    messages = ask(address + "/_simulator/messages?mobile=" + phone, expect=200)
    [message] = messages if isinstance(messages, list) else messages["messages"]

    title("3. The person types the code")
    answer = {"verification_id": sent["verification_id"], "code": message["code"]}
    verified = ask(address + "/api/phone/verify-code/", answer, expect=200)
    require(verified["phone"] == "+86" + phone, "the verified phone is the one that got the SMS")

    title("4. The page hands the proof to the site's own endpoint, which opens an account")
    account = ask(address + "/register/", {"proof": verified["proof"]}, expect=201)
    require(account["phone"] == verified["phone"], "the account belongs to the verified phone")

    title("5. A second time, the same proof is refused")
    ask(address + "/register/", {"proof": verified["proof"]}, expect=400)

    print("\nEvery step succeeded.", flush=True)


def title(words):
    print("\n" + words)


def require(holds, promise):
    if not holds:
        raise StepFailed(f"This is not true: {promise}.")
    print("  = " + promise)


def ask(url, body=None, *, expect):
    """Send a request, print it with its response, and return the response's JSON."""
    data = None if body is None else json.dumps(body).encode()
    print(f"  > {'GET' if data is None else 'POST'} {url}")
    if body is not None:
        print("  > " + json.dumps(body))
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
    try:
        with DIRECT.open(request, timeout=PATIENCE) as response:
            status, answer = response.status, response.read().decode()
    except urllib.error.HTTPError as refusal:
        status, answer = refusal.code, refusal.read().decode()
    print(f"  < {status} {answer}")
    if status != expect:
        raise StepFailed(f"The response has the status {status} instead of {expect}.")
    return json.loads(answer)


# Without the proxies of the caller's environment: a proxy cannot reach a site on this machine's loopback.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


# The site


def manage(python, *arguments):
    if subprocess.run([str(python), str(MANAGE), *arguments], cwd=ROOT, env=own_environ()).returncode:
        raise StepFailed(f"manage.py {arguments[0]} failed.")


def set_aside_older(database):
    """Rename a database of migrations that no longer exist: the present ones cannot be applied to it."""
    if not database.exists():
        return
    with contextlib.closing(sqlite3.connect(database)) as connection:
        try:
            applied = connection.execute("SELECT name FROM django_migrations WHERE app = 'ihuyi'").fetchall()
        except sqlite3.OperationalError:  # no table yet
            return
        # Only the file is renamed, so the write-ahead log beside it must be written to it first.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    if {f"{name}.py" for (name,) in applied} - {path.name for path in MIGRATIONS.iterdir()}:
        older = database.with_name(database.name + ".old")
        database.replace(older)
        print(f"{database.name} is from an older version. It is now {older.name}, and a new one is created.")


def own_environ():
    kept = {name: value for name, value in os.environ.items() if name not in DEPLOYMENT}
    # No captcha: this program could not solve one.
    return {name: value for name, value in kept.items() if not name.startswith("IHUYI_")} | {"IHUYI_CAPTCHA": "off"}


@contextlib.contextmanager
def serve(python):
    """Run the site in a process, and yield its address and the process."""
    port = free_port(wanted=8000)
    with tempfile.TemporaryFile(mode="w+") as log:
        command = [str(python), str(MANAGE), "runserver", "--noreload", f"127.0.0.1:{port}"]
        site = subprocess.Popen(command, cwd=ROOT, env=own_environ(), stdout=log, stderr=log)
        try:
            wait_until_it_answers(site, port)
            yield f"http://127.0.0.1:{port}", site
        except StepFailed:
            log.seek(0)
            print("\nThe end of the site's log:\n" + log.read()[-4000:], file=sys.stderr)
            raise
        finally:
            site.terminate()
            site.wait()


def free_port(wanted):
    for port in (wanted, 0):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)) as probe:
            return probe.getsockname()[1]
    raise StepFailed("This machine has no free port.")


def wait_until_it_answers(site, port):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and site.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise StepFailed(f"The site did not accept connections within {PATIENCE} seconds, or it exited.")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        print()
    except StepFailed as failure:
        sys.exit(f"\n{failure}")
